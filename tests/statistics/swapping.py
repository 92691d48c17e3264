"""Swap the labels of the arms on a replay: every verdict must turn, or the method knows which is which.

On the benchmark's real series where its archive is at hand, and on generated series always.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from apps.actions.models import REPLAY_METRICS
from apps.analysis import grid
from apps.analysis.cases import Case
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.analysis.split import GENERAL_RULES, data_hash, split_hash
from apps.analysis.types import Telemetry
from apps.evaluation import inputs, replay
from apps.impact import judging
from apps.impact.results import Measurement, Seen, SeriesResult
from apps.telemetry.generate import SHOP, generate

from .rows import EXACTLY, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from apps.analysis.types import Setting
    from apps.impact.judging import Judgement

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "labels of the arms swapped"
TURNED = {"improved": "worse", "worse": "improved"}
PRICE = "Fewer false alarms"
"""How the reason begins where fewer false alarms were no improvement, for their price."""
BURSTS = {"checkout/latency_p99", "payments/error_rate", "search/latency_p95", "warehouse/jobs_waiting"}
"""Generated series with short bursts under twice the usual."""
POOR = replace(DEFAULT_SETTING, theta=4.8, persist_k=6, persist_n=6, direction="down")
"""A detector that sees only long drops: what better settings are sure to improve on."""
END_US = 1_767_225_600_000_000
"""End of the generated series: 2026-01-01, UTC."""


def archive() -> Path:
    """The benchmark's archive, beside the checkout or where AFTERCAST_DATA_DIR says."""
    folder = Path(os.environ.get("AFTERCAST_DATA_DIR", CHECKOUT.parent / "shared" / "data"))
    return folder / "nab" / "nab-real.tar.gz"


def check(_random: np.random.Generator, _runs: int) -> list[Row]:
    if archive().exists():
        return on_generated() + on_real(archive())
    absent = "real series: archive absent, generated ones stand in"
    return [*on_generated(), Row(NAME, absent, "series", 0.0, 0, None)]


def on_generated() -> list[Row]:
    """The generated shop: bursts that hurt nobody ignored where they occur; and slower alarms everywhere."""
    cases = {
        one.series_id: Case.build(Telemetry(one.times, one.values), one.incidents, GENERAL_RULES)
        for one in generate(SHOP, end_us=END_US)
    }
    default = dict.fromkeys(cases, DEFAULT_SETTING)
    patient = {
        name: replace(DEFAULT_SETTING, min_rel=1.2) if name in BURSTS else DEFAULT_SETTING for name in cases
    }
    slow = dict.fromkeys(cases, replace(DEFAULT_SETTING, persist_k=5, persist_n=6))
    return [
        *_rows("generated, bursts ignored", measurement(cases, default, patient)),
        *_rows("generated, slower alarms", measurement(cases, default, slow)),
    ]


def on_real(path: Path) -> list[Row]:
    """Insights learnt from the training slices, against the fleet's default and against a poor setting."""
    study = replay.prepare(inputs.from_archive(path))
    lessons = replay.learn(study)
    insights = {name: apply(lessons.default, lessons.vectors[name]) for name in study.cases}
    rows = []
    for words, setting in (("default", lessons.default), ("a poor setting", POOR)):
        measured = measurement(study.cases, dict.fromkeys(study.cases, setting), insights)
        rows += _rows(f"NAB, {words} to insights", measured)
    return rows


def _rows(where: str, measured: Measurement) -> list[Row]:
    back, rows = swapped(measured), []
    for metric in REPLAY_METRICS:
        here, there = (judging.judge(one, metric=metric, smallest_effect=None) for one in (measured, back))
        words = f"{where}, {metric}: {here.verdict} / {there.verdict}"
        rows.append(Row(NAME, words, "turns", float(turns(here, there)), 1, EXACTLY))
    return rows


def swapped(measured: Measurement) -> Measurement:
    """The same replay, before and after exchanged."""
    return replace(
        measured,
        series=[
            replace(
                one,
                counted_at=(one.counted_at[1], one.counted_at[0]),
                incidents=[
                    replace(seen, before_delay_s=seen.after_delay_s, after_delay_s=seen.before_delay_s)
                    for seen in one.incidents
                ],
            )
            for one in measured.series
        ],
    )


def turns(here: Judgement, there: Judgement) -> bool:
    """Effect and interval mirrored, n and p the same, and the verdict turned.

    One case is not its own mirror image: fewer false alarms at the price of missed incidents are no
    improvement, and more of them are worse all the same.
    """
    mirrored = _negative(here.effect, there.effect)
    mirrored &= _negative(here.low, there.high) and _negative(here.high, there.low)
    same = here.n == there.n and here.p == there.p
    if here.reason.startswith(PRICE) or there.reason.startswith(PRICE):
        return mirrored and same and "worse" in {here.verdict, there.verdict}
    return mirrored and same and there.verdict == TURNED.get(here.verdict, here.verdict)


def _negative(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == -other or abs(one + other) <= 1e-9 * max(abs(one), abs(other))


def measurement(
    cases: Mapping[str, Case], before: Mapping[str, Setting], after: Mapping[str, Setting]
) -> Measurement:
    """Each series is a service of its own here."""
    return Measurement(
        [_series(name, case, before[name], after[name]) for name, case in cases.items()], [], 0.0
    )


def _series(name: str, case: Case, before: Setting, after: Setting) -> SeriesResult:
    scorer, service = case.test_scorer, name.replace("/", ".") + "/value"
    alarms = [grid.alarm_rows(case.prepared, setting, case.split.test) for setting in (before, after)]
    delays = [scorer.delays(rows) for rows in alarms]
    counted = [scorer.false_alarms_at(rows).tolist() for rows in alarms]
    return SeriesResult(
        series_id=service,
        held_out_us=scorer.watched_us,
        counted_at=(counted[0], counted[1]),
        incidents=[
            Seen(service, interval, old, new)
            for interval, old, new in zip(scorer.incidents, *delays, strict=True)
        ],
        drills=[],
        unscored=[],
        own=[],
        split_hash=split_hash({service: case.telemetry}, {service: case.split}, GENERAL_RULES),
        data_hash=data_hash(case.telemetry),
    )

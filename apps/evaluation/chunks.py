"""What a replay does with one chunk of series, and what the chunks say together.

Stages, each over all chunks before the next begins:

    count      detected incidents and false alarms of every setting of the grid, summed over the chunk
    learn-1    thresholds and vectors of its series, and settings whose worth to the fleet nobody knows
    weigh-1    what those settings do on this chunk
    learn-2    again, with that known; and so on until nothing is unknown
    judge      what each arm does on the held-out slice of every series

Sums are of whole numbers, so the order in which chunks were done cannot show in any figure.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from apps.analysis import arms, grid
from apps.analysis.accounting import Counts
from apps.analysis.cases import Case
from apps.analysis.profiles import apply
from apps.analysis.split import described, hash_of
from apps.analysis.types import Setting

from . import replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .jobs import Job

    Vectors: TypeAlias = Mapping[str, Mapping[str, object]]

SHAPE_NUMBERS = {shape: number for number, shape in enumerate(grid.SHAPES)}
ARMS = ("default", "threshold", "insights")


class Known(arms.Fleet):
    """The fleet by its sums. `wanted` collects settings that it was asked for and has no sums of."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__(())
        self._lam: float = facts["lam"]
        self._series = max(int(facts["series"]), 1)
        self._detected = np.array(facts["detected"], dtype=np.int64)
        self._false_alarms = np.array(facts["false_alarms"], dtype=np.int64)
        self.grid_utility = np.round((self._detected - self._lam * self._false_alarms) / self._series, 9)
        self._weighed = {_setting(fields): (tp, fp) for fields, tp, fp in facts["weighed"]}
        self.wanted: dict[Setting, None] = {}

    def utility(self, setting: Setting) -> float:
        """Mean training utility of a setting; 0 for the time being where it is wanted."""
        sums = self._sums(setting)
        if sums is None:
            self.wanted[setting] = None
            return 0.0
        return float(sums[0] - self._lam * sums[1]) / self._series

    def _sums(self, setting: Setting) -> tuple[int, int] | None:
        shape = SHAPE_NUMBERS.get(replace(setting, theta=grid.THETAS[0]))
        if shape is not None and setting.theta in grid.THETAS:
            at = shape, grid.THETAS.index(setting.theta)
            return int(self._detected[at]), int(self._false_alarms[at])
        return self._weighed.get(setting)


def perform(job: Job, stage: str, number: int) -> Any:
    """The result of a stage on a chunk, as JSON values."""
    kind = stage.partition("-")[0]
    return {"count": _count, "learn": _learn, "weigh": _weigh, "judge": _judge}[kind](job, stage, number)


def _count(job: Job, _stage: str, number: int) -> Any:
    detected, false_alarms = np.zeros((2, len(grid.SHAPES), len(grid.THETAS)), dtype=np.int64)
    series: dict[str, Any] = {}
    for name, telemetry, incidents in job.read(number):
        case = Case.build(telemetry, incidents, job.rules)
        detected += case.train_outcomes.detected
        false_alarms += case.train_outcomes.false_alarms
        series[name] = described(telemetry, case.split)
    return {"detected": detected.tolist(), "false_alarms": false_alarms.tolist(), "series": series}


def _learn(job: Job, stage: str, number: int) -> Any:
    if (before := _learnt_before(job, stage, number)) is not None and not before["wanted"]:
        return before  # it had all that it asked for
    fleet = Known(job.facts(stage))
    cases = {name: Case.build(telemetry, found, job.rules) for name, telemetry, found in job.read(number)}
    lessons = replay.learn(replay.Study(cases, job.rules, ""), fleet=fleet)
    return {
        "default": asdict(lessons.default),
        "thresholds": {name: asdict(setting) for name, setting in lessons.thresholds.items()},
        "vectors": lessons.vectors,
        "wanted": [asdict(setting) for setting in fleet.wanted],
    }


def _learnt_before(job: Job, stage: str, number: int) -> Any:
    """What this chunk learnt in the turn before; None in the first."""
    turn = int(stage.partition("-")[2])
    return job.result(f"learn-{turn - 1}", number) if turn > 1 else None


def _weigh(job: Job, stage: str, number: int) -> Any:
    settings = [_setting(fields) for fields in job.facts(stage)["wanted"]]
    sums = np.zeros((len(settings), 2), dtype=np.int64)
    for _, telemetry, incidents in job.read(number):
        case = Case.build(telemetry, incidents, job.rules)
        effects = [case.effect(setting) for setting in settings]
        sums += [[len(effect.hits), effect.false_alarms] for effect in effects]
    return sums.tolist()


def _judge(job: Job, stage: str, number: int) -> Any:
    facts = job.facts(stage)
    default = _setting(facts["default"])
    found = {}
    for name, telemetry, incidents in job.read(number):
        case = Case.build(telemetry, incidents, job.rules)
        plain, vector = _setting(facts["thresholds"][name]), facts["vectors"].get(name, {})
        settings = (default, plain, apply(default, vector))
        found[name] = {arm: asdict(case.test(setting)) for arm, setting in zip(ARMS, settings, strict=True)}
    return found


def sums(job: Job) -> dict[str, Any]:
    """What all chunks counted: the facts that `Known` stands on."""
    detected, false_alarms = np.zeros((2, len(grid.SHAPES), len(grid.THETAS)), dtype=np.int64)
    series = 0
    for number in range(job.chunks):
        found = job.result("count", number)
        detected += found["detected"]
        false_alarms += found["false_alarms"]
        series += len(found["series"])
    return {
        "lam": job.rules.lam,
        "series": series,
        "detected": detected.tolist(),
        "false_alarms": false_alarms.tolist(),
        "weighed": [],
    }


def wanted(job: Job, stage: str) -> list[dict[str, Any]]:
    """The settings that some chunk wants, each once, in the order of chunks."""
    found: dict[Setting, dict[str, Any]] = {}
    for number in range(job.chunks):
        found |= {_setting(fields): fields for fields in job.result(stage, number)["wanted"]}
    return list(found.values())


def weighed(job: Job, stage: str) -> list[list[Any]]:
    """Those settings with their sums over all chunks."""
    total = sum(np.array(job.result(stage, number), dtype=np.int64) for number in range(job.chunks))
    pairs = zip(job.facts(stage)["wanted"], np.asarray(total).tolist(), strict=True)
    return [[fields, *one] for fields, one in pairs]


def lessons(job: Job, stage: str) -> replay.Lessons:
    """What all chunks learnt."""
    thresholds: dict[str, Setting] = {}
    vectors: dict[str, Any] = {}
    for number in range(job.chunks):
        found = job.result(stage, number)
        thresholds |= {name: _setting(fields) for name, fields in found["thresholds"].items()}
        vectors |= found["vectors"]
    return replay.Lessons(_setting(found["default"]), thresholds, vectors)


class Judged:
    """A case of which only the counts of its three arms are left, for `replay.report`."""

    def __init__(self, counts: Mapping[Setting, Counts]) -> None:
        self._counts = counts

    def test(self, setting: Setting) -> Counts:
        """What was counted."""
        return self._counts[setting]


def to_judge(given: replay.Lessons, vectors: Vectors) -> dict[str, Any]:
    """The facts of the last stage: the settings of every arm."""
    return {
        "default": asdict(given.default),
        "thresholds": {name: asdict(setting) for name, setting in given.thresholds.items()},
        "vectors": vectors,
    }


def report(job: Job, given: replay.Lessons, vectors: Vectors) -> dict[str, Any]:
    """The figures of `replay.report` from what all chunks counted."""
    cases: dict[str, Judged] = {}
    for number in range(job.chunks):
        for name, found in job.result("judge", number).items():
            settings = (given.default, given.thresholds[name], apply(given.default, vectors.get(name, {})))
            pairs = zip(settings, (_counts(found[arm]) for arm in ARMS), strict=True)
            cases[name] = Judged(dict(pairs))
    described_series = [job.result("count", number)["series"] for number in range(job.chunks)]
    split = hash_of({name: one for part in described_series for name, one in part.items()}, job.rules)
    study = replay.Study(cast("dict[str, Case]", cases), job.rules, split)
    return replay.report(study, given, vectors)


def _setting(fields: Mapping[str, Any]) -> Setting:
    return Setting(**fields)


def _counts(fields: Mapping[str, Any]) -> Counts:
    lists = {name: tuple(fields[name]) for name in ("delays_s", "censored_s")}
    return Counts(**{**fields, **lists})

"""Field methods: before and after, observed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from apps.analysis import counts, durations, power, remediation, severity
from apps.analysis.remediation import Tries

from . import worlds
from .rows import EXACTLY, NULL_CONSERVATIVE, Row, coverage_row, finds, null_rows, power_row, share

if TYPE_CHECKING:
    import numpy as np

    from apps.analysis.durations import Test
    from apps.analysis.effects import Estimate

HALVED = math.log(0.5)
PUBLISHED = ((0.1, 2390), (0.2, 533), (0.3, 209), (0.5, 56))
"""Incidents a side that show a cut of so much, at a spread of 1.3."""


def published_numbers(random: np.random.Generator, runs: int) -> list[Row]:
    """The plan must give the published numbers; what Welch's test makes of them is shown beside."""
    plan = power.Durations(sd_ln=worlds.SD_LN)
    rows = []
    for cut, each in PUBLISHED:
        name = f"{cut:.0%} cut, {each} incidents a side"
        agrees = float(power.needed(plan, effect=cut) == each)
        rows.append(Row("power calculator", name, "published n comes out", agrees, 1, EXACTLY))
        few = max(1, runs // (1 + each // 200))
        found = [
            finds(_durations(random, each, each, log_ratio=math.log(1 - cut), test="welch_log"))
            for _ in range(few)
        ]
        rows.append(Row("power calculator", name, "simulated power (shown)", share(found), few, None))
    return rows


def _durations(
    random: np.random.Generator,
    before: int,
    after: int,
    *,
    log_ratio: float = 0.0,
    watched: bool = False,
    test: Test | None = None,
    sd: float = worlds.SD_LN,
) -> Estimate:
    return durations.compare(
        worlds.durations(random, before, sd=sd),
        worlds.durations(random, after, log_ratio=log_ratio, sd=sd, watched=watched),
        smallest_effect=None,
        test=test,
    )


def welch(random: np.random.Generator, runs: int) -> list[Row]:
    return _closed(random, runs, "Welch's t on log durations", "welch_log")


def permutation(random: np.random.Generator, runs: int) -> list[Row]:
    return _closed(random, runs, "permutation of Welch's t", "permutation")


def _closed(random: np.random.Generator, runs: int, name: str, test: Test) -> list[Row]:
    rows = []
    for before, after, sd in ((64, 64, worlds.SD_LN), (15, 40, worlds.SD_PUBLISHED)):
        nothing = [_durations(random, before, after, test=test, sd=sd) for _ in range(runs)]
        rows += null_rows(name, f"{before} and {after} incidents, sd(ln) {sd}", nothing)
    less = [_durations(random, 64, 64, log_ratio=HALVED, test=test) for _ in range(runs)]
    rows.append(coverage_row(name, "halved, 64 a side", less, HALVED))
    rows.append(power_row(name, "halved, 64 a side", [finds(one) for one in less]))
    return rows


def log_rank(random: np.random.Generator, runs: int) -> list[Row]:
    """One in five incidents after is still open."""
    name = "log-rank, open incidents censored"
    nothing = [_durations(random, 64, 64, watched=True) for _ in range(runs)]
    rows = null_rows(name, "64 a side, 20 % open", nothing)
    less = [_durations(random, 90, 90, log_ratio=HALVED, watched=True) for _ in range(runs)]
    rows.append(coverage_row(name, "halved, 90 a side", less, HALVED))
    rows.append(power_row(name, "halved, 90 a side", [finds(one) for one in less]))
    return rows


def differences(random: np.random.Generator, runs: int) -> list[Row]:
    """Overdispersed counts of services of unlike sizes that share a trend. Conservative by design."""
    name, rows = "difference in differences, placebo rank", []
    for controls, mean in ((19, 20.0), (40, 20.0), (40, 3.0)):
        nothing = [_difference(random, controls, mean) for _ in range(runs)]
        scenario = f"{controls} controls, {mean:.0f} incidents"
        rows += null_rows(name, scenario, nothing, allowed=NULL_CONSERVATIVE)
    cut = math.log(0.2)
    less = [_difference(random, 40, 40.0, log_ratio=cut, dispersion=20.0) for _ in range(runs)]
    rows.append(coverage_row(name, "80 % fewer, 40 controls, 40 incidents", less, cut))
    rows.append(power_row(name, "80 % fewer, 40 controls, 40 incidents", [finds(one) for one in less]))
    few = [_difference(random, 18, 40.0, log_ratio=cut) for _ in range(runs)]
    silent = share(one.verdict_hint == "too_few_data" and not finds(one) for one in few)
    rows.append(Row(name, "18 controls, 80 % fewer", "too few data", silent, runs, EXACTLY))
    return rows


def _difference(
    random: np.random.Generator,
    controls: int,
    mean: float,
    *,
    log_ratio: float = 0.0,
    dispersion: float = 6.0,
) -> Estimate:
    treated, others = worlds.fleet(random, controls, mean=mean, dispersion=dispersion, log_ratio=log_ratio)
    return counts.difference_in_differences(treated, others, smallest_effect=None)


USUAL = (0.05, 0.15, 0.3, 0.5)
MILDER = (0.01, 0.04, 0.15, 0.8)


def severities(random: np.random.Generator, runs: int) -> list[Row]:
    """Four levels with many ties."""
    name, rows = "severity shift, Brunner-Munzel", []
    for before, after in ((40, 40), (15, 40)):
        nothing = [_severity(random, before, after, USUAL) for _ in range(runs)]
        rows += null_rows(name, f"{before} and {after} incidents", nothing)
    truth = sum(
        worse * share_before * (1 if level_after < level_before else -1 if level_after > level_before else 0)
        for level_after, worse in enumerate(MILDER)
        for level_before, share_before in enumerate(USUAL)
    )
    less = [_severity(random, 60, 60, MILDER) for _ in range(runs)]
    rows.append(coverage_row(name, f"shift {truth:.2f}, 60 a side", less, truth))
    rows.append(power_row(name, f"shift {truth:.2f}, 60 a side", [finds(one) for one in less]))
    return rows


def _severity(random: np.random.Generator, before: int, after: int, later: tuple[float, ...]) -> Estimate:
    return severity.shift(
        worlds.severities(random, before, USUAL),
        worlds.severities(random, after, later),
        smallest_effect=None,
    )


def automation(random: np.random.Generator, runs: int) -> list[Row]:
    """Shares of incidents that automation settled."""
    name, rows = "remediation success, N - 1 chi-squared", []
    for before, after, base in ((60, 60, 0.4), (30, 100, 0.6)):
        nothing = [_automation(random, before, after, base, base) for _ in range(runs)]
        rows += null_rows(name, f"{before} and {after} eligible, {base:.0%}", nothing)
    more = [_automation(random, 60, 60, 0.3, 0.6) for _ in range(runs)]
    rows.append(coverage_row(name, "30 % to 60 %, 60 a side", more, 0.3))
    rows.append(power_row(name, "30 % to 60 %, 60 a side", [finds(one, lower=False) for one in more]))
    return rows


def _automation(random: np.random.Generator, before: int, after: int, base: float, later: float) -> Estimate:
    return remediation.compare(
        Tries(before, before, int(random.binomial(before, base))),
        Tries(after, after, int(random.binomial(after, later))),
        smallest_effect=None,
    )

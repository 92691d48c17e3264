"""Replay methods: both arms on the same telemetry."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apps.analysis import paired, shapley, stats

from . import worlds
from .rows import (
    COVERAGE,
    NULL,
    NULL_CONSERVATIVE,
    Row,
    coverage_row,
    covers,
    finds,
    null_rows,
    power_row,
    share,
)

if TYPE_CHECKING:
    from apps.analysis.paired import Paired

SERVICES = 20
INCIDENTS = 60
DAYS = 60


class Bounds(NamedTuple):
    """A p with an interval, in the shape that rows count."""

    p: float | None
    low: float | None
    high: float | None


def by_t(values: list[float]) -> Bounds:
    """The t interval, which rejects where it excludes zero."""
    found = stats.t_interval(values)
    excluded = found.low is not None and found.high is not None and (found.low > 0 or found.high < 0)
    return Bounds(0.0 if excluded else 1.0, found.low, found.high)


def sign_flip_services(random: np.random.Generator, runs: int) -> list[Row]:
    """Heavy-tailed differences of utility, one for each service."""
    rows = []
    for size, way in ((12, "exact"), (30, "drawn")):
        found = [Bounds(stats.sign_flip_p(list(random.standard_t(3, size))), None, None) for _ in range(runs)]
        rows += null_rows("sign flip over services", f"{size} services, {way}", found)[:1]
    moved = [stats.sign_flip_p(list(1 + random.standard_normal(12))) <= 0.05 for _ in range(runs)]
    return [*rows, power_row("sign flip over services", "12 services, effect of 1 sd", moved)]


def blocks(random: np.random.Generator, runs: int) -> list[Row]:
    """Clustered false alarms, summed over service-days. Counts tie, so the test is conservative."""
    name, rows = "sign flip over service-days", []
    for size in (1, 5):
        nothing = [
            paired.block_ratio(worlds.clustered(random, DAYS, size=size, share=0.1, before=0.3, after=0.3))
            for _ in range(runs)
        ]
        rows += null_rows(name, f"{DAYS} days, clusters of {size}", nothing, allowed=NULL_CONSERVATIVE)
        less = [
            paired.block_ratio(worlds.clustered(random, DAYS, size=size, share=0.1, before=0.3, after=0.1))
            for _ in range(runs)
        ]
        rows.append(coverage_row(name, f"halved, clusters of {size}", less, math.log(0.2 / 0.4)))
    smallest = paired.block_smallest([(5, 5)] * 40) or 1.0
    lost = [paired.block_ratio(_vanish(random, 40, 5, smallest)) for _ in range(runs)]
    found = [finds(one) and one.n >= paired.BLOCKS_NEEDED for one in lost]
    return [*rows, power_row(name, f"40 days, stated smallest effect {smallest:.2f}", found)]


def _vanish(random: np.random.Generator, days: int, size: int, chance: float) -> list[tuple[int, int]]:
    return [(size, 0 if gone else size) for gone in random.uniform(size=days) < chance]


def discordant(random: np.random.Generator, runs: int) -> list[Row]:
    """Incidents that only one arm caught. Exact."""
    name = "exact binomial of incidents gained and lost"
    nothing = [_recall(*_moves(random, 0.12, 0.12)) for _ in range(runs)]
    rows = null_rows(name, f"{INCIDENTS} incidents", nothing, allowed=NULL_CONSERVATIVE)
    more = [_recall(*_moves(random, 0.25, 0.05)) for _ in range(runs)]
    rows.append(coverage_row(name, "recall 20 points higher", more, 0.2))
    smallest = _recall(2, 2).smallest or 1.0
    found = [finds(_recall(int(random.binomial(INCIDENTS, smallest)), 2), lower=False) for _ in range(runs)]
    rows.append(power_row(name, f"2 lost, stated smallest effect {smallest:.2f}", found))
    return rows


def _moves(random: np.random.Generator, gain: float, loss: float) -> tuple[int, int]:
    gained, lost, _ = random.multinomial(INCIDENTS, [gain, loss, 1 - gain - loss])
    return int(gained), int(lost)


@cache
def _recall(gained: int, lost: int) -> Paired:
    return paired.recall_difference(INCIDENTS, min(gained, INCIDENTS - lost), lost)


def delays(random: np.random.Generator, runs: int) -> list[Row]:
    """Delays by incident, some equal under both arms, some missed by one. Exact."""
    name, n = "sign test of delays", 40
    nothing = [paired.delay_difference(_delays(random, n, 0.0)) for _ in range(runs)]
    rows = null_rows(name, f"{n} incidents", nothing, allowed=NULL_CONSERVATIVE)
    found = []
    for _ in range(runs):
        values = 600 * random.standard_normal(n)
        shift = paired.delay_smallest(list(values)) or 0.0
        found.append(finds(paired.delay_difference(list(values - shift))))
    return [*rows, power_row(name, f"{n} incidents, stated smallest effect", found)]


def _delays(random: np.random.Generator, n: int, shift: float) -> list[float]:
    values = 600 * random.standard_t(3, n) + shift
    values[random.uniform(size=n) < 0.1] = 0.0
    lost = random.uniform(size=n)
    values[lost < 0.05] = -np.inf
    values[lost > 0.95] = np.inf
    return [float(value) for value in values]


def log_ratios(random: np.random.Generator, runs: int) -> list[Row]:
    """Log ratio of false alarms with 0.5 added, by service: t interval over services."""
    name = "t interval of log ratios over services"
    nothing = [by_t(list(_ratios(random, 1.0, SERVICES))) for _ in range(runs)]
    rows = null_rows(name, f"{SERVICES} services", nothing, allowed=NULL)
    truth = float(_ratios(random, 0.4, 400_000).mean())
    less = [by_t(list(_ratios(random, 0.4, SERVICES))) for _ in range(runs)]
    rows.append(coverage_row(name, "60 % fewer", less, truth))
    rows.append(power_row(name, "60 % fewer", [finds(one) for one in less]))
    return rows


def _ratios(random: np.random.Generator, factor: float, services: int) -> np.ndarray:
    rates = 8 * random.gamma(2.0, 0.5, services)
    before, after = worlds.restless(random, rates, 6.0), worlds.restless(random, rates * factor, 6.0)
    halves = stats.HALF_EPISODE
    return np.log((after + halves) / (before + halves))


def recall_by_service(random: np.random.Generator, runs: int) -> list[Row]:
    """Share of incidents caught, after - before, by service: the guard's t interval."""
    found = []
    for _ in range(runs):
        incidents = random.integers(1, 6, SERVICES)
        gained = random.binomial(incidents, 0.12)
        lost = random.binomial(incidents - gained, 0.12 / 0.88)
        found.append(by_t(list((gained - lost) / incidents)))
    return null_rows("t interval of recall over services", f"{SERVICES} services", found)


def wilson(random: np.random.Generator, runs: int) -> list[Row]:
    """Shares as they are shown. At single truths its coverage swings about the level; one dip is shown."""
    name, truths = "Wilson interval of a share", random.uniform(0.05, 0.95, runs)
    rows = []
    for scenario, shares, allowed in (
        ("of 40, any share from 5 to 95 %", truths, COVERAGE),
        ("of 40, at 10 %: one of its dips (shown)", np.full(runs, 0.1), None),
    ):
        held = [_held(int(k), truth) for k, truth in zip(random.binomial(40, shares), shares, strict=True)]
        rows.append(Row(name, scenario, "coverage", share(held), runs, allowed))
    return rows


def _held(successes: int, truth: float) -> bool:
    found = stats.wilson(successes, 40)
    return covers(Bounds(None, found.low, found.high), truth)


def contributions(random: np.random.Generator, runs: int) -> list[Row]:
    """What one insight contributes to the utility of a release: a sum over services, most untouched."""
    name = "Shapley contribution, t interval over services"
    nothing = [_summed(_parts(random, 0.0)) for _ in range(runs)]
    rows = null_rows(name, f"{SERVICES} services", nothing)
    more = [_summed(_parts(random, 0.4)) for _ in range(runs)]
    rows.append(coverage_row(name, f"{SERVICES} services, 0.4 each", more, 0.4 * SERVICES))
    found = []
    for _ in range(runs):
        parts = _parts(random, 0.0)
        smallest = shapley.smallest_over_blocks(parts) or 0.0
        found.append(finds(_summed([part + smallest / SERVICES for part in parts]), lower=False))
    return [*rows, power_row(name, f"{SERVICES} services, stated smallest effect", found)]


def _parts(random: np.random.Generator, mean: float) -> list[float]:
    """Utility gained by service: five false alarms weigh as one incident."""
    alarms = 0.2 * (random.poisson(2.0, SERVICES) - random.poisson(2.0, SERVICES))
    caught = random.choice([-1.0, 0.0, 1.0], SERVICES, p=[0.1, 0.8, 0.1])
    return [float(part) for part in mean + alarms + caught]


def _summed(parts: list[float]) -> Bounds:
    low, high = shapley.over_blocks(parts) or (-math.inf, math.inf)
    return Bounds(0.0 if low > 0 or high < 0 else 1.0, low, high)

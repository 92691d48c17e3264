"""The last days of a series with two settings: how often each would have paged, and what came or went.

An alert is one alarm episode: alarms less than the cool-down apart. It pages once, when it begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import detector
from .accounting import apart, episodes
from .types import DAY_US

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .cases import Case
    from .split import Split
    from .types import Interval, Setting


@dataclass(frozen=True)
class Lately:
    """Alerts that began within the window, of one series or summed over several.

    `gained`: alerts of `after` farther than the cool-down from every one of `before`; `lost`: the other way
    round; `*_in_incidents`: those of them in a known incident or its tolerance. As alerts can merge or part,
    `after` need not be `before + gained - lost`. Rates are a day of watching, and add up over series; `days`
    is the longest watch of any series. `series` counts those with a sample in the window.
    """

    series: int = 0
    days: float = 0.0
    before: int = 0
    after: int = 0
    gained: int = 0
    lost: int = 0
    gained_in_incidents: int = 0
    lost_in_incidents: int = 0
    per_day_before: float = 0.0
    per_day_after: float = 0.0

    def __add__(self, other: Lately) -> Lately:
        return Lately(
            self.series + other.series,
            max(self.days, other.days),
            self.before + other.before,
            self.after + other.after,
            self.gained + other.gained,
            self.lost + other.lost,
            self.gained_in_incidents + other.gained_in_incidents,
            self.lost_in_incidents + other.lost_in_incidents,
            self.per_day_before + other.per_day_before,
            self.per_day_after + other.per_day_after,
        )


def total(parts: Iterable[Lately]) -> Lately:
    """The sum over series."""
    return sum(parts, Lately())


def replay(case: Case, before: Setting, after: Setting, *, days: int, whole: bool) -> Lately:
    """The last `days` of the series if `whole`, else of its training part; less where it is shorter.

    Without `whole` no sample from the cut on counts, and none of the warm-up ever does.

    Raises:
        ValueError: not at least one day.
    """
    if days < 1:
        raise ValueError("days must be at least 1")
    first, last = case.split.train.first, len(case.telemetry) if whole else case.split.train.last
    times = case.telemetry.times
    if last - first < 2:  # noqa: PLR2004  # no time passes in one sample
        return Lately()
    end_us = int(times[last - 1])
    start_us = max(int(times[first]), end_us - days * DAY_US)
    old, new = (
        episodes(times[first:last][detector.alarms(case.prepared, setting)[first:last]])
        for setting in (before, after)
    )
    paged_old, paged_new = _from(old, start_us), _from(new, start_us)
    gained, lost = _from(apart(new, old), start_us), _from(apart(old, new), start_us)
    watched = (end_us - start_us) / DAY_US
    return Lately(
        series=1,
        days=watched,
        before=len(paged_old),
        after=len(paged_new),
        gained=len(gained),
        lost=len(lost),
        gained_in_incidents=_touching(gained, case.split),
        lost_in_incidents=_touching(lost, case.split),
        per_day_before=len(paged_old) / watched,
        per_day_after=len(paged_new) / watched,
    )


def _from(alerts: Sequence[Interval], start_us: int) -> list[Interval]:
    return [alert for alert in alerts if alert.start_us >= start_us]


def _touching(alerts: Sequence[Interval], split: Split) -> int:
    windows = [(known.start_us, known.end_us + split.tolerance_us) for known in split.known]
    return sum(
        any(alert.start_us <= end and start <= alert.end_us for start, end in windows) for alert in alerts
    )

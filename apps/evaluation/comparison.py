"""Two vectors on one series: what would have alarmed with the one and with the other, incident by incident.

The split, the windows of incidents and the count of false alarms are the gate's own (`analysis.cases`), so
what a page shows and what the gate says are one and the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from apps.analysis import detector
from apps.analysis.accounting import Counts, apart, episodes
from apps.analysis.cases import Case
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.analysis.split import GENERAL_RULES, split_hash
from apps.telemetry import reading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.analysis.accounting import Scorer
    from apps.analysis.split import Slice
    from apps.analysis.types import Bools, Interval, Ints, Setting, Telemetry

Part: TypeAlias = Literal["train", "test", "unscored"]


@dataclass(frozen=True)
class IncidentOutcome:
    """One incident under both arms. A delay is in seconds from its start to the first alarm; None: missed.

    `part`: the slice that scores it; "unscored" for one that lies across the cut or in the warm-up.
    """

    interval: Interval
    part: Part
    before_delay_s: float | None
    after_delay_s: float | None

    @property
    def lost(self) -> bool:
        """Detected before, and no longer."""
        return self.before_delay_s is not None and self.after_delay_s is None

    @property
    def gained(self) -> bool:
        """Missed before, and detected now."""
        return self.before_delay_s is None and self.after_delay_s is not None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Both arms on one series; of each pair the first is `before`, the second `after`.

    `cut_us`: first moment of the held-out slice. `*_alarms`: episodes of all alarms over the whole series;
    `*_false`: those outside incidents and their tails. One episode that stays on for days is one interval
    here, and one false alarm for each day in `Counts`.
    """

    series_id: str
    telemetry: Telemetry
    cut_us: int
    lam: float
    split_hash: str
    settings: tuple[Setting, Setting]
    incidents: list[IncidentOutcome]
    before_false: list[Interval]
    after_false: list[Interval]
    before_alarms: list[Interval]
    after_alarms: list[Interval]
    train: tuple[Counts, Counts]
    test: tuple[Counts, Counts]

    @property
    def gained_alarms(self) -> list[Interval]:
        """Alarm episodes of `after` farther than the cool-down from every one of `before`."""
        return apart(self.after_alarms, self.before_alarms)

    @property
    def lost_alarms(self) -> list[Interval]:
        """Alarm episodes of `before` farther than the cool-down from every one of `after`."""
        return apart(self.before_alarms, self.after_alarms)


def compare(series_id: str, before: Mapping[str, object], after: Mapping[str, object]) -> Comparison:
    """Both vectors over all telemetry of a series; labels of drills and of the hold-out are left out.

    Null columns leave the default, as in a vector that was served.

    Raises:
        NotFoundError: no such series.
        ValueError: a column is outside its range.
    """
    settings = apply(DEFAULT_SETTING, before), apply(DEFAULT_SETTING, after)
    return weigh(series_id, case_of(series_id), *settings)


def case_of(series_id: str) -> Case:
    """A stored series, split as the gate splits it.

    Raises:
        NotFoundError: no such series.
    """
    return Case.build(reading.read(series_id), reading.labels(series_id), GENERAL_RULES)


def weigh(series_id: str, case: Case, before: Setting, after: Setting) -> Comparison:
    """The comparison on a series made ready; no telemetry is read."""
    old, new = detector.alarms(case.prepared, before), detector.alarms(case.prepared, after)
    whole = case.whole_scorer
    return Comparison(
        series_id=series_id,
        telemetry=case.telemetry,
        cut_us=case.split.cut_us,
        lam=case.lam,
        split_hash=split_hash({series_id: case.telemetry}, {series_id: case.split}, GENERAL_RULES),
        settings=(before, after),
        incidents=_outcomes(case, old, new),
        before_false=whole.false_episodes(_rows(old)),
        after_false=whole.false_episodes(_rows(new)),
        before_alarms=episodes(case.telemetry.times[old]),
        after_alarms=episodes(case.telemetry.times[new]),
        train=_counts(case.train_scorer, case.split.train, old, new),
        test=_counts(case.test_scorer, case.split.test, old, new),
    )


def _rows(alarms: Bools, part: Slice | None = None) -> Ints:
    """Rows that alarm, counted from the start of `part`."""
    inside = alarms if part is None else alarms[part.first : part.last]
    return np.flatnonzero(inside).astype(np.int64)


def _counts(scorer: Scorer, part: Slice, old: Bools, new: Bools) -> tuple[Counts, Counts]:
    return scorer.counts(_rows(old, part)), scorer.counts(_rows(new, part))


def _outcomes(case: Case, old: Bools, new: Bools) -> list[IncidentOutcome]:
    """Every known incident in order of time, judged by the slice that scores it."""
    whole = case.whole_scorer
    seen: dict[Interval, tuple[Part, float | None, float | None]] = {}
    for interval, before, after in zip(
        whole.incidents, whole.delays(_rows(old)), whole.delays(_rows(new)), strict=True
    ):
        seen[interval] = "unscored", before, after
    parts: tuple[tuple[Part, Slice, Scorer], ...] = (
        ("train", case.split.train, case.train_scorer),
        ("test", case.split.test, case.test_scorer),
    )
    for name, part, scorer in parts:
        delays = scorer.delays(_rows(old, part)), scorer.delays(_rows(new, part))
        for interval, before, after in zip(scorer.incidents, *delays, strict=True):
            seen[interval] = name, before, after
    return [IncidentOutcome(interval, *found) for interval, found in seen.items()]

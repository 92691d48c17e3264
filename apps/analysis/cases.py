"""A series made ready for judging: prepared once, split once, counted for any setting."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from . import detector, grid
from .split import Rules, Slice, Split, divide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .accounting import Counts, Scorer
    from .detector import Prepared
    from .grid import Outcomes
    from .types import Interval, Setting, Telemetry


@dataclass(frozen=True)
class Effect:
    """What a setting does on a slice: numbers of the incidents it detects, and its false-alarm episodes."""

    hits: frozenset[int]
    false_alarms: int

    def utility(self, lam: float) -> float:
        """U = TP - lam * FP."""
        return len(self.hits) - lam * self.false_alarms


@dataclass(frozen=True, eq=False)
class Case:
    """One series with its incidents under one set of rules."""

    telemetry: Telemetry
    prepared: Prepared
    split: Split
    lam: float

    @classmethod
    def build(cls, telemetry: Telemetry, labels: Sequence[Interval], rules: Rules) -> Case:
        """Split `telemetry` by its labelled incidents."""
        return cls(telemetry, detector.prepare(telemetry), divide(telemetry, labels, rules), rules.lam)

    @cached_property
    def train_scorer(self) -> Scorer:
        return self.split.scorer(self.telemetry, self.split.train)

    @cached_property
    def test_scorer(self) -> Scorer:
        return self.split.scorer(self.telemetry, self.split.test)

    @cached_property
    def whole_scorer(self) -> Scorer:
        """The series from its first to its last sample with every incident, the unscored ones too."""
        whole = Slice(0, len(self.telemetry), self.split.known)
        return self.split.scorer(self.telemetry, whole)

    @cached_property
    def train_outcomes(self) -> Outcomes:
        """Every setting of the grid on the training slice."""
        return grid.outcomes(self.prepared, self.train_scorer, self.split.train)

    def effect(self, setting: Setting) -> Effect:
        """What `setting` would have done on the training slice."""
        rows = grid.alarm_rows(self.prepared, setting, self.split.train)
        hits = frozenset(int(number) for number in self.train_scorer.hits(rows))
        return Effect(hits, self.train_scorer.false_alarms(rows))

    def test(self, setting: Setting) -> Counts:
        """What `setting` does on the held-out slice."""
        return self.test_scorer.counts(grid.alarm_rows(self.prepared, setting, self.split.test))

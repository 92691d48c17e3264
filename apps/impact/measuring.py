"""Replaying an insight on held-out telemetry: with it and without it, series by series. Reads only."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Sum

from apps.analysis import stats
from apps.analysis.accounting import COOL_DOWN_US
from apps.analysis.profiles import DEFAULT_SETTING, apply
from apps.common.canonical import digest
from apps.common.times import iso_us
from apps.evaluation import comparison
from apps.insights import composition
from apps.telemetry import reading
from apps.telemetry.models import OutcomeLabel, Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.analysis.cases import Case
    from apps.analysis.types import Interval, Setting
    from apps.evaluation.comparison import Comparison, IncidentOutcome
    from apps.insights.models import Insight, Revision

MAX_SAMPLES = 10_000_000  # what one task may read
US_PER_DAY = 86_400_000_000


@dataclass(frozen=True)
class SeriesResult:
    """One series. Episodes of false alarms: in `both` arms, or in one alone; delays in seconds, None: missed.

    `drills` and `unscored` were left out: rehearsals, and incidents across the cut or in the warm-up.
    """

    series_id: str
    held_out_us: int
    both: int
    only_before: list[Interval]
    only_after: list[Interval]
    false_alarms: tuple[int, int]
    incidents: list[IncidentOutcome]
    drills: int
    unscored: int
    split_hash: str

    @property
    def gained(self) -> int:
        return sum(outcome.gained for outcome in self.incidents)

    @property
    def lost(self) -> int:
        return sum(outcome.lost for outcome in self.incidents)

    @property
    def log_ratio(self) -> float:
        """ln of after / before, 0.5 added to both."""
        return stats.log_ratio(self.false_alarms[1], self.false_alarms[0])

    def as_dict(self) -> dict[str, Any]:
        """The row of the replay page and of the download."""
        before, after = self.false_alarms
        return {
            "held_out_days": round(self.held_out_us / US_PER_DAY, 3),
            "false_alarms": {"before": before, "after": after},
            "episodes": {
                "both": self.both,
                "only_before": [_span(one) for one in self.only_before],
                "only_after": [_span(one) for one in self.only_after],
            },
            "incidents": [
                {
                    **_span(outcome.interval),
                    "delay_s": {"before": outcome.before_delay_s, "after": outcome.after_delay_s},
                }
                for outcome in self.incidents
            ],
            "caught": {
                "before": sum(outcome.before_delay_s is not None for outcome in self.incidents),
                "after": sum(outcome.after_delay_s is not None for outcome in self.incidents),
            },
            "excluded": {"drills": self.drills, "unscored": self.unscored},
            "split_hash": self.split_hash,
        }


@dataclass(frozen=True)
class Measurement:
    """Every series of an insight's scope that has a held-out part."""

    series: list[SeriesResult]
    empty: list[str]
    seconds: float

    @property
    def both(self) -> int:
        return sum(one.both for one in self.series)

    @property
    def only_before(self) -> int:
        return sum(len(one.only_before) for one in self.series)

    @property
    def only_after(self) -> int:
        return sum(len(one.only_after) for one in self.series)

    @property
    def incidents(self) -> list[IncidentOutcome]:
        return [outcome for one in self.series for outcome in one.incidents]

    @property
    def gained(self) -> int:
        return sum(one.gained for one in self.series)

    @property
    def lost(self) -> int:
        return sum(one.lost for one in self.series)

    @property
    def false_alarms(self) -> tuple[int, int]:
        return sum(one.false_alarms[0] for one in self.series), sum(
            one.false_alarms[1] for one in self.series
        )

    @property
    def days(self) -> float:
        """Held-out days of all series together."""
        return sum(one.held_out_us for one in self.series) / US_PER_DAY

    @property
    def longest_days(self) -> float:
        return max((one.held_out_us for one in self.series), default=0) / US_PER_DAY

    @property
    def delay_differences(self) -> list[float]:
        """After - before by incident in seconds; -inf: seen by the second arm alone, +inf: by the first."""
        found = []
        for outcome in self.incidents:
            before, after = outcome.before_delay_s, outcome.after_delay_s
            if before is not None or after is not None:
                found.append(
                    (math.inf if after is None else after) - (math.inf if before is None else before)
                )
        return found

    @property
    def excluded(self) -> dict[str, int]:
        return {
            "drills": sum(one.drills for one in self.series),
            "unscored": sum(one.unscored for one in self.series),
        }

    @property
    def split_hash(self) -> str:
        return digest({one.series_id: one.split_hash for one in self.series})


def subject(insight: Insight) -> Revision:
    """The revision that is measured: the one in force, else the newest that ever was, else the newest."""
    revisions = insight.revisions.prefetch_related("signals").select_related("activation")
    if insight.active_revision is not None:
        return revisions.get(number=insight.active_revision)
    served = revisions.filter(activation__isnull=False).order_by("-number").first()
    return served or revisions.get(number=insight.revision)


def obstacle(insight: Insight) -> str:
    """Why a replay cannot measure this insight; empty if it can."""
    revision = subject(insight)
    if not revision.signals.all():
        return "The insight is prose: it has no signal that a replay could switch on and off."
    found = Series.objects.filter(pk__in=_scope(insight, revision), samples__gt=0)
    samples = int(found.aggregate(total=Sum("samples"))["total"] or 0)
    if not samples:
        return "None of the insight's series has samples here, so there is nothing to replay."
    if samples > MAX_SAMPLES:
        return f"Its series have {samples:,} samples; at most {MAX_SAMPLES:,} are replayed at once."
    return ""


def measure(insight: Insight) -> Measurement:
    """Both arms on the held-out part of every series: what others serve, and that with this insight.

    The cut is the gate's, so nothing that the gate has seen is counted. Incidents of the hold-out do count:
    nothing is learnt from a verdict. Drills never do.
    """
    began = time.perf_counter()
    revision = subject(insight)
    scope = _scope(insight, revision)
    before = composition.compose(scope, without=insight.pk)
    after = composition.compose(scope) if insight.active_revision is not None else {}
    columns = {name: value for signal in revision.signals.all() for name, value in signal.columns.items()}
    results, empty = [], []
    for series_id in scope:
        old = _values(before.get(series_id))
        new = _values(after[series_id]) if series_id in after else {**old, **columns}
        result = _measured(series_id, apply(DEFAULT_SETTING, old), apply(DEFAULT_SETTING, new))
        if result is None:
            empty.append(series_id)
        else:
            results.append(result)
    return Measurement(results, empty, time.perf_counter() - began)


def _scope(insight: Insight, revision: Revision) -> list[str]:
    return sorted(composition.covered(insight)) or reading.resolve(revision.scope)


def _values(content: Any) -> Mapping[str, object]:
    return content.values if content else {}


def _measured(series_id: str, before: Setting, after: Setting) -> SeriesResult | None:
    if not Series.objects.filter(pk=series_id, samples__gt=0).exists():
        return None
    case = _with_hold_out(series_id, comparison.case_of(series_id))
    times = case.telemetry.times[case.split.test.first : case.split.test.last]
    if times.size < 2:  # noqa: PLR2004  # one sample spans no time
        return None
    found = comparison.weigh(series_id, case, before, after)
    both, only_before, only_after = _split_episodes(found, int(times[0]))
    return SeriesResult(
        series_id=series_id,
        held_out_us=found.test[0].monitored_us,
        both=both,
        only_before=only_before,
        only_after=only_after,
        false_alarms=(found.test[0].false_alarms, found.test[1].false_alarms),
        incidents=[outcome for outcome in found.incidents if outcome.part == "test"],
        drills=OutcomeLabel.objects.filter(
            series_id=series_id, is_drill=True, end_at__gte=reading.from_us(int(times[0]))
        ).count(),
        unscored=sum(outcome.part == "unscored" for outcome in found.incidents),
        split_hash=found.split_hash,
    )


def _with_hold_out(series_id: str, case: Case) -> Case:
    """The same cut, with the incidents of the hold-out known as well, and counted in the held-out part."""
    split = case.split
    secret = [
        label
        for label in reading.labels(series_id, include_holdout=True)
        if not any(label.start_us <= one.end_us and one.start_us <= label.end_us for one in split.known)
        and len(case.telemetry)
        and label.end_us >= int(case.telemetry.times[0])
        and label.start_us <= int(case.telemetry.times[-1])
    ]
    if not secret:
        return case
    later = [label for label in secret if label.start_us >= split.cut_us]
    test = replace(split.test, incidents=tuple(sorted([*split.test.incidents, *later])))
    return replace(case, split=replace(split, test=test, known=tuple(sorted([*split.known, *secret]))))


def _split_episodes(found: Comparison, start_us: int) -> tuple[int, list[Interval], list[Interval]]:
    """Held-out false alarms: how many of the first arm the second has too, and those that one has alone."""
    before = [one for one in found.before_false if one.start_us >= start_us]
    after = [one for one in found.after_false if one.start_us >= start_us]
    only_before = [one for one in before if not _near(one, after)]
    only_after = [one for one in after if not _near(one, before)]
    return len(before) - len(only_before), only_before, only_after


def _near(one: Interval, others: list[Interval]) -> bool:
    return any(
        one.start_us <= other.end_us + COOL_DOWN_US and other.start_us <= one.end_us + COOL_DOWN_US
        for other in others
    )


def _span(interval: Interval) -> dict[str, str]:
    return {
        "start": iso_us(reading.from_us(interval.start_us)),
        "end": iso_us(reading.from_us(interval.end_us)),
    }

"""What fewer false alarms are worth, by objective: minutes a month, with an interval. Reads only.

Every served lesson that was replayed by its false alarms counts, whatever its verdict: to sum only those
that "improved" would sum the lucky ones. The bounds of lessons are added up, which is wider than independence
would allow: lessons may err together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.actions.models import Metric

from .models import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

MINUTES_A_PAGE = 15
"""Of one person for one false page: an assumption, said wherever the sum is shown."""
DAYS = 30
OBJECTIVE = "reliability"


@dataclass(frozen=True)
class Saved:
    """Minutes of false pages saved in thirty days; a bound that is None is open."""

    objective: str
    lessons: int
    minutes: float
    low: float | None
    high: float | None


def by_objective() -> list[Saved]:
    """Each objective with the lessons that serve it; two queries."""
    newest = Verdict.objects.replayed().filter(metric=Metric.FALSE_ALARMS, effect__isnull=False)
    rows = Verdict.objects.filter(
        pk__in=newest.order_by("insight_id", "-pk").distinct("insight_id").values("pk")
    )
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in rows.select_related("insight"):
        if tells(verdict):
            groups[OBJECTIVE].append(verdict)
    return [_sum(name, found) for name, found in sorted(groups.items())]


def _sum(name: str, verdicts: Iterable[Verdict]) -> Saved:
    rows = [saved(verdict) for verdict in verdicts]
    return Saved(
        name,
        len(rows),
        sum(one.minutes for one in rows),
        _total([one.low for one in rows]),
        _total([one.high for one in rows]),
    )


def tells(verdict: Verdict) -> bool:
    """Whether a verdict says what a served lesson saves."""
    replayed = verdict.evidence == Verdict.Evidence.REPLAY and verdict.metric == Metric.FALSE_ALARMS
    return replayed and verdict.effect is not None and bool(verdict.report["served"])


def saved(verdict: Verdict) -> Saved:
    """Of one verdict: the false alarms a day without the lesson, times the share that it saves."""
    days = float(verdict.report["longest_days"])
    a_day = verdict.report["false_alarms"]["before"] / days if days else 0.0
    worth = a_day * DAYS * MINUTES_A_PAGE

    def of(log_ratio: float | None) -> float | None:
        return None if log_ratio is None else worth * -math.expm1(log_ratio)

    return Saved(OBJECTIVE, 1, of(verdict.effect) or 0.0, of(verdict.high), of(verdict.low))


def _total(bounds: list[float | None]) -> float | None:
    known = [bound for bound in bounds if bound is not None]
    return sum(known) if len(known) == len(bounds) else None

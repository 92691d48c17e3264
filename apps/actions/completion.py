"""How many actions were done by their due dates: by tier against its target, and by month.

Counted are actions that fell due in the period, today not yet: done on time (on the due day at the latest,
UTC), done late, not done. What is given up with `not_doing` counts as not done, so giving up meets no target;
what was cancelled, because there was no need any more, is left out and told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import CharField, Count, F, Q, Value
from django.db.models.functions import Coalesce, TruncDate, TruncMonth
from django.utils import timezone

from apps.analysis import stats
from apps.catalog.models import Term

from .models import ActionItem, State
from .models.targets import USUAL_ESCALATION_DAYS, USUAL_SHARE, CompletionTarget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.accounts.models import User

    from .querysets import ActionQuerySet

QUARTER = timedelta(days=91)
MONTHS = 12
NO_TIER = "No tier"


@dataclass(frozen=True)
class Share:
    """How many of `n` were done on time, with a Wilson interval, beside a target.

    `verdict`: `met` where the whole interval is at the target or above, `missed` where it is below, else
    `undecided`; `too_few_data` without any.
    """

    label: str
    code: str
    n: int
    on_time: int
    late: int
    excluded: int
    target: float
    share: float | None
    low: float | None
    high: float | None

    @property
    def open(self) -> int:
        """Not done."""
        return self.n - self.on_time - self.late

    @property
    def verdict(self) -> str:
        """See the class."""
        if self.low is None or self.high is None:
            return "too_few_data"
        if self.low >= self.target:
            return "met"
        return "missed" if self.high < self.target else "undecided"


@dataclass(frozen=True)
class Completion:
    """The quarter that ended yesterday, by tier and as a whole; the last twelve months."""

    since: date
    until: date
    whole: Share
    tiers: list[Share]
    months: list[Share]


def of(user: User, given: Mapping[str, Any], today: date | None = None) -> Completion:
    """Completion of what the user may see, narrowed by team, service, kind and owner; four queries."""
    day = today or timezone.now().date()
    actions = narrowed(ActionItem.objects.visible_to(user), given)
    targets = dict(CompletionTarget.objects.values_list("tier", "share"))
    usual = targets.get("", USUAL_SHARE)
    since = day - QUARTER
    quarter = actions.filter(due_on__gte=since, due_on__lt=day)
    by_tier = _tiers(quarter, targets, usual)
    first = _month_before(day, MONTHS - 1)
    return Completion(
        since=since,
        until=day - timedelta(days=1),
        whole=_share("All", "all", _sum(by_tier), usual),
        tiers=by_tier,
        months=_months(actions.filter(due_on__gte=first, due_on__lt=day), first, day, usual),
    )


def narrowed(actions: ActionQuerySet, given: Mapping[str, Any]) -> ActionQuerySet:
    """By team (which owns the service), service, kind and owner; empty values narrow nothing."""
    columns = {
        "team": "service__owner__slug",
        "service": "service__slug",
        "kind": "kind",
        "owner": "owner__username",
    }
    wanted = {column: given[name] for name, column in columns.items() if given.get(name)}
    return actions.filter(**wanted)


def escalation_days() -> dict[str, int]:
    """Days after the due date by tier; the usual number where a tier has no target, "" among them."""
    known = dict(CompletionTarget.objects.values_list("tier", "escalate_days"))
    return {"": USUAL_ESCALATION_DAYS, **known}


def _grouped(actions: ActionQuerySet, **by: Any) -> list[dict[str, Any]]:
    """Counts by what `by` names; one query."""
    timed = actions.order_by().annotate(done_day=TruncDate("done_at", tzinfo=UTC), **by)
    return list(
        timed.values(*by).annotate(
            n=Count("pk", filter=~Q(state=State.CANCELLED)),
            on_time=Count("pk", filter=Q(state=State.DONE, done_day__lte=F("due_on"))),
            late=Count("pk", filter=Q(state=State.DONE, done_day__gt=F("due_on"))),
            excluded=Count("pk", filter=Q(state=State.CANCELLED)),
        )
    )


def _tiers(quarter: ActionQuerySet, targets: Mapping[str, float], usual: float) -> list[Share]:
    tier = Coalesce("service__tier__code", Value(""), output_field=CharField())
    rows = {row["tier"]: row for row in _grouped(quarter, tier=tier)}
    names = dict(tiers())
    order = [*(code for code in names if code in rows), *([""] if "" in rows else [])]
    return [_share(names.get(code, NO_TIER), code, rows[code], targets.get(code, usual)) for code in order]


def tiers() -> list[tuple[str, str]]:
    """Code and name of every tier, in order."""
    known = Term.objects.filter(vocabulary="service_tier").order_by("position", "code")
    return list(known.values_list("code", "label"))


def _sum(shares: list[Share]) -> dict[str, int]:
    names = ("n", "on_time", "late", "excluded")
    return {name: sum(getattr(share, name) for share in shares) for name in names}


def _months(actions: ActionQuerySet, first: date, day: date, target: float) -> list[Share]:
    rows = {row["month"]: row for row in _grouped(actions, month=TruncMonth("due_on"))}
    months = [_month_before(day, back) for back in range(MONTHS)]
    return [
        _share(f"{month:%b %Y}", f"{month:%Y-%m}", rows.get(month, {}), target)
        for month in months
        if month >= first
    ]


def _month_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def _share(label: str, code: str, row: Mapping[str, Any], target: float) -> Share:
    n, on_time = int(row.get("n", 0)), int(row.get("on_time", 0))
    found = stats.wilson(on_time, n)
    return Share(
        label=label,
        code=code,
        n=n,
        on_time=on_time,
        late=int(row.get("late", 0)),
        excluded=int(row.get("excluded", 0)),
        target=target,
        share=found.estimate,
        low=found.low,
        high=found.high,
    )

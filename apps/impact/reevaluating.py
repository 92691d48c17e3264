"""When a quarter brought no verified gain: one task that asks why. Called by a task; once a quarter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.actions.models import ActionItem, Kind, State
from apps.actions.services import open_action
from apps.audit import ledger
from apps.incidents.models import Incident
from apps.insights.models import Activation, Insight
from apps.postmortems.models import Postmortem

from . import quarters, reporting
from .models import Reevaluation, Verdict

if TYPE_CHECKING:
    from datetime import date

    from .quarters import Quarter

log = structlog.get_logger(__name__)
DUE = timedelta(days=28)
ACTOR = "worker"


@dataclass(frozen=True)
class Prompt:
    """A question with the figures of the quarter that bear on it."""

    question: str
    figures: str


def check(today: date | None = None) -> Reevaluation | None:
    """Open the task for the last whole quarter if it brought no verified gain; None if it did, or is known.

    Nothing where nothing could have been gained: no insight existed before the quarter was over.
    """
    quarter = quarters.before(today or timezone.now().date())
    if Reevaluation.objects.filter(pk=quarter.start).exists() or not _had_something(quarter):
        return None
    if verified_gains(quarter):
        return None
    owner = _owner()
    if owner is None:
        log.warning("reevaluation_without_owner", quarter=quarter.name)
        return None
    try:
        return _open(quarter, owner)
    except IntegrityError:  # somebody else was faster; theirs stands
        return None


def verified_gains(quarter: Quarter) -> int:
    """Verdicts of the quarter that a report over that quarter calls improved."""
    rows = Verdict.objects.filter(evaluated_at__gte=quarter.start_at, evaluated_at__lt=quarter.end_at)
    said = reporting.adjust(rows.newest().values_list("pk", "verdict", "p"))
    return sum(one.verdict == Verdict.Outcome.IMPROVED for one in said.values())


def prompts(facts: dict[str, Any]) -> list[Prompt]:
    """The three questions of a re-evaluation: what is recorded, what is done, what reaches models."""
    return [
        Prompt(
            "Do our reviews record what a detector or a colleague could use next time?",
            f"{facts['incidents']} incidents, {facts['reviews']} reviews filed, {facts['insights']} insights "
            "proposed from them.",
        ),
        Prompt(
            "Is what we decided being done?",
            f"{facts['actions_done']} actions done, {facts['actions_overdue']} past their day at the end.",
        ),
        Prompt(
            "Do the lessons reach the models, and do we measure what they change?",
            f"{facts['served']} insights began to be served, {facts['verdicts']} verdicts: "
            f"{facts['too_few_data']} with too few data, {facts['no_evidence']} without evidence, "
            f"{facts['worse']} worse.",
        ),
    ]


def prompts_of(action: ActionItem) -> list[Prompt]:
    """The questions of an action that re-evaluates a quarter; none for every other."""
    found = Reevaluation.objects.filter(action=action).first()
    return prompts(found.facts) if found is not None else []


@transaction.atomic
def _open(quarter: Quarter, owner: User) -> Reevaluation:
    facts = _facts(quarter)
    action = open_action(
        title=f"Re-evaluate how we learn: {quarter.name} brought no verified gain",
        owner=owner,
        due_on=timezone.now().date() + DUE,
        kind=Kind.PROCESS,
        created_by=owner,
    )
    opened = Reevaluation.objects.create(quarter=quarter.start, action=action, facts=facts)
    ledger.record(
        actor=ACTOR,
        action="reevaluation_opened",
        object_type="action",
        object_id=action.pk,
        data={"quarter": quarter.name, **facts},
    )
    return opened


def _had_something(quarter: Quarter) -> bool:
    return Insight.objects.filter(created_at__lt=quarter.end_at).exists()


def _owner() -> User | None:
    """Of the programme's owners the one with the fewest open actions; without one an administrator."""
    for role in (Role.PROGRAMME_OWNER, Role.ADMIN):
        people = User.objects.filter(is_active=True, is_service=False, role_grants__role=role).distinct()
        busy = Count("actions", filter=Q(actions__state__in=[State.OPEN, State.IN_PROGRESS]), distinct=True)
        found = people.annotate(busy=busy).order_by("busy", "pk").first()
        if found is not None:
            return found
    return None


def _facts(quarter: Quarter) -> dict[str, Any]:
    span = {"gte": quarter.start_at, "lt": quarter.end_at}

    def within(field: str) -> Q:
        return Q(**{f"{field}__{name}": moment for name, moment in span.items()})

    verdicts = dict(
        Verdict.objects.filter(within("evaluated_at"))
        .values_list("verdict")
        .annotate(n=Count("pk"))
        .order_by()
    )
    late = ActionItem.objects.filter(due_on__lt=quarter.end, state__in=[State.OPEN, State.IN_PROGRESS])
    return {
        "incidents": Incident.objects.counted().filter(within("occurred_at")).count(),
        "reviews": Postmortem.objects.exclude(kind="text").filter(within("created_at"), amends=None).count(),
        "insights": Insight.objects.filter(within("created_at")).count(),
        "actions_done": ActionItem.objects.filter(within("done_at")).count(),
        "actions_overdue": late.count(),
        "served": Activation.objects.filter(within("activated_at")).count(),
        "verdicts": sum(verdicts.values()),
        **{name: verdicts.get(name, 0) for name in ("too_few_data", "no_evidence", "worse")},
    }

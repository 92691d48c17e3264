"""The home page: what a person should do next, and how far the loop is closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, OuterRef
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AUTHORS
from apps.actions.models import ActionItem
from apps.actions.models import State as ActionState
from apps.impact.models import Verdict
from apps.incidents.codes import Kind, Origin, State
from apps.incidents.models import Incident
from apps.insights import waiting
from apps.insights.models import Insight, Revision
from apps.postmortems.models import Draft, Postmortem

from .reads import newest_revisions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from apps.accounts.models import User

EACH = 4  # of one kind on the home page; the lists have the rest
RECENT = timedelta(days=90)
FOR_REVIEW = (State.RESOLVED, State.LEARNING)


@dataclass(frozen=True)
class Step:
    """One thing to do next. `tone` says how pressing it is: bad (late), warn (waits for you), info."""

    verb: str
    title: str
    url: str
    why: str
    tone: str
    icon: str


@dataclass(frozen=True)
class Station:
    """One station of the loop with its count; `url` leads to the rows behind the number."""

    label: str
    count: int
    note: str
    url: str
    icon: str


def steps(user: User, today: date) -> list[Step]:
    """What waits for this person, the most pressing first; a fixed number of queries."""
    return [
        *_late_actions(user, today),
        *_changes_wanted(user),
        *_reviews(user),
        *_drafts(user),
        *_due_actions(user, today),
        *_unwritten(user),
    ]


def _late_actions(user: User, today: date) -> Iterator[Step]:
    late = ActionItem.objects.visible_to(user).overdue(today).filter(owner=user).order_by("due_on", "pk")
    for action in late[:EACH]:
        days = (today - action.due_on).days
        why = f"{days} day{'s' if days > 1 else ''} overdue"
        yield Step("Finish", action.title, reverse("actions:detail", args=[action.pk]), why, "bad", "clock")


def _due_actions(user: User, today: date) -> Iterator[Step]:
    due = ActionItem.objects.visible_to(user).to_do().filter(owner=user, due_on__gte=today)
    for action in due.order_by("due_on", "pk")[:EACH]:
        days = (action.due_on - today).days
        why = "due today" if not days else f"due in {days} day{'s' if days > 1 else ''}"
        yield Step(
            "Work on", action.title, reverse("actions:detail", args=[action.pk]), why, "info", "check2-square"
        )


def _changes_wanted(user: User) -> Iterator[Step]:
    for revision in waiting.to_change(user).select_related("insight")[:EACH]:
        url = reverse("insights:revise", args=[revision.insight_id])
        yield Step("Revise", revision.title, url, "a reviewer asked for changes", "warn", "pencil")


def _reviews(user: User) -> Iterator[Step]:
    for revision in waiting.to_review(user).prefetch_related("approvals", "gate_results", "overrides")[:EACH]:
        url = reverse("insights:detail", args=[revision.insight_id])
        yield Step(
            "Review", revision.title, url, f"needs {' and '.join(waiting.missing(revision))}", "warn", "inbox"
        )


def _drafts(user: User) -> Iterator[Step]:
    drafts = Draft.objects.visible_to(user).open().filter(author=user).order_by("-updated_at")
    for draft in drafts[:EACH]:
        url = reverse("postmortems:draft", args=[draft.pk, draft.step])
        title = str(draft.data.get("title") or "Postmortem without a title")
        yield Step("Continue", title, url, "a draft of yours", "info", "journal-text")


def _unwritten(user: User) -> Iterator[Step]:
    """Ended incidents of ours from which nobody has written down a lesson."""
    if not user.has_role(*AUTHORS):
        return
    ended = Incident.objects.visible_to(user).filter(
        origin=Origin.OWN, is_drill=False, state__in=FOR_REVIEW, kind=Kind.INCIDENT
    )
    written = Exists(Postmortem.objects.filter(incident=OuterRef("pk")))
    first = ended.exclude(written).select_related("severity").order_by("severity__position", "-occurred_at")
    for incident in first[:EACH]:
        url = f"{reverse('postmortems:new')}?incident={incident.pk}"
        yield Step(
            "Write the postmortem",
            incident.title,
            url,
            f"{incident.severity.code}, {incident.get_state_display().lower()}, nothing written yet",
            "info",
            "journal-text",
        )


def loop(user: User) -> list[Station]:
    """How many of the last 90 days' lessons came how far; each number leads to its rows."""
    since = timezone.now() - RECENT
    incidents = Incident.objects.visible_to(user).counted().filter(occurred_at__gte=since)
    written = Postmortem.objects.visible_to(user).newest().filter(incident__in=incidents)
    states = dict(
        Insight.objects.visible_to(user).values_list("state").annotate(number=Count("pk")).order_by()
    )
    done = ActionItem.objects.visible_to(user).filter(state=ActionState.DONE).count()
    open_actions = ActionItem.objects.visible_to(user).to_do().count()
    newest = Verdict.objects.visible_to(user).newest().values("pk")
    verdicts = dict(
        Verdict.objects.filter(pk__in=newest).values_list("verdict").annotate(n=Count("pk")).order_by()
    )
    return [
        Station("Incidents", incidents.count(), "in 90 days", reverse("incidents:list"), "activity"),
        Station("Postmortems", written.count(), "of these", reverse("postmortems:list"), "journal-text"),
        Station(
            "Insights",
            sum(states.values()),
            f"{states.get('approved', 0)} served, {states.get('proposed', 0)} proposed",
            reverse("insights:list"),
            "lightbulb",
        ),
        Station(
            "Actions done",
            done,
            f"{open_actions} to do",
            f"{reverse('actions:list')}?who=all",
            "check2-square",
        ),
        Station(
            "Measured effects",
            sum(verdicts.values()),
            f"{verdicts.get('improved', 0)} improved, {verdicts.get('too_few_data', 0)} too few data",
            f"{reverse('actions:list')}?who=all&state=done",
            "graph-down",
        ),
    ]


def lesson_to_follow(user: User) -> Revision | None:
    """A lesson that went the whole way, if there is one: served and with a verdict, the newest first."""
    served = newest_revisions(user).filter(insight__state=Insight.State.APPROVED)
    measured = Verdict.objects.visible_to(user).filter(insight_id=OuterRef("insight_id"))
    ordered = served.annotate(
        improved=Exists(measured.filter(verdict="improved")), measured=Exists(measured)
    ).order_by("-improved", "-measured", "-insight_id")
    return ordered.first()

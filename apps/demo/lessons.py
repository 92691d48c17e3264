"""Insights of the shop in every state, the releases that they make, and the actions around them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from django.utils import timezone

from apps.actions import services as actions
from apps.insights import services
from apps.insights.drafts import Draft, clean_scope, clean_signals
from apps.insights.provenance import clean_source
from apps.postmortems.models import Recommendation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from apps.accounts.models import User
    from apps.insights.models import Insight
    from apps.postmortems.models import Postmortem

Fate = Literal["proposed", "half", "changes_requested", "rejected", "served", "withdrawn", "expiring"]

GOOD_MARKS = {"relevance": 5, "timeliness": 4, "breadth": 3, "actionability": 5}
OTHER_MARKS = {"relevance": 4, "timeliness": 4, "breadth": 3, "actionability": 4}
SHORT_LIFE = timedelta(seconds=45)  # an expiry that a visitor can watch: it is real, and nobody back-dates


@dataclass(frozen=True)
class Lesson:
    """One insight: from the recommendation `rank` of a review to its fate, and the action that measures it.

    `said` is what the reviewer wrote where the fate has words; `override` why it may act although the gate
    did not pass; `lifted` why it may go beyond the caps on its author; "half" has one approval of two.
    `action` is (title, kind, metric, direction, done).
    """

    review: str
    rank: int
    title: str
    scope: dict[str, Any]
    signals: list[dict[str, Any]]
    fate: Fate
    confidence: float = 0.8
    said: str = ""
    override: str = ""
    lifted: str = ""
    action: tuple[str, str, str, str, bool] | None = None


FALSE_ALARMS = ("false_alarms_per_day", "down")
LESSONS = (
    Lesson(
        review="settlement",
        rank=1,
        title="A burst stays below twice the usual level, a failure does not",
        scope={
            "series": [
                "checkout/latency_p99",
                "payments/error_rate",
                "search/latency_p95",
                "warehouse/jobs_waiting",
            ]
        },
        signals=[{"kind": "min_effect", "value": {"rel": 1.2}}],
        fate="served",
        said="The four series have the same kind of burst. Agreed with their owners.",
        action=("Tell on-call that bursts no longer page", "detect", *FALSE_ALARMS, True),
    ),
    Lesson(
        review="queue",
        rank=1,
        title="Bursts in the payment queue are short, failures are not",
        scope={"series": ["payments/queue_depth"]},
        signals=[{"kind": "persistence", "value": {"k": 5, "n": 6}}],
        fate="served",
        action=("Take the mute off the queue's alarm", "detect", *FALSE_ALARMS, True),
    ),
    Lesson(
        review="campaign",
        rank=1,
        title="More orders are no incident",
        scope={"series": ["checkout/orders_per_min"]},
        signals=[{"kind": "direction", "value": "down"}],
        fate="served",
        confidence=0.9,
        action=("Put campaigns into the calendar of on-call", "process", *FALSE_ALARMS, False),
    ),
    Lesson(
        review="leak",
        rank=1,
        title="More than eighty connections are a leak, whatever yesterday was like",
        scope={"series": ["warehouse/db_connections"]},
        signals=[{"kind": "hard_limit", "value": {"hi": 80}}],
        fate="served",
        action=("Give connections back when a report ends", "repair", "recall", "up", False),
    ),
    Lesson(
        review="retries",
        rank=1,
        title="Look more closely everywhere, to notice failures sooner",
        scope={"fleet": True},
        signals=[{"kind": "theta_scale", "value": -1.0}],
        fate="withdrawn",
        confidence=0.5,
        override="A short trial, to learn whether a sharper eye catches more.",
        said="Nothing gained: no incident is caught in addition.",
        action=("Try whether more incidents are caught", "investigate", "recall", "up", True),
    ),
    Lesson(
        review="reindex",
        rank=1,
        title="Alarm on nothing but the largest jumps",
        scope={"fleet": True},
        signals=[
            {"kind": "theta_scale", "value": 3.0},
            {"kind": "min_effect", "value": {"rel": 2.5}},
        ],
        fate="withdrawn",
        confidence=0.4,
        override="A short trial, while somebody watches the dashboards in person.",
        lifted="Jo tries both ends of the scale this month, and each trial is watched and short.",
        said="Quiet, and deaf: incidents of most services went unnoticed.",
        action=("Try what quiet nights cost", "investigate", "recall", "up", True),
    ),
    Lesson(
        review="cart",
        rank=1,
        title="On cart requests only a fall matters",
        scope={"series": ["cart/requests_per_s"]},
        signals=[{"kind": "direction", "value": "down"}],
        fate="proposed",
    ),
    Lesson(
        review="refunds",
        rank=1,
        title="Payments that are fast are no finding",
        scope={"series": ["payments/latency_p99"]},
        signals=[{"kind": "direction", "value": "up"}],
        fate="half",
        override="Bursts of this series are dealt with already; it keeps out falls that would come later.",
    ),
    Lesson(
        review="reindex",
        rank=1,
        title="No page for search between midnight and five",
        scope={"series": ["search/latency_p95"]},
        signals=[
            {
                "kind": "suppress",
                "value": {
                    "rrule": "FREQ=DAILY;BYHOUR=0;BYMINUTE=0",
                    "duration": 18_000,
                    "reason": "Nightly indexing; hardly anybody searches",
                },
            }
        ],
        fate="changes_requested",
        said="Five hours are too wide: incidents begin at night too. Narrow it to the batch itself.",
    ),
    Lesson(
        review="retries",
        rank=1,
        title="Be less sensitive to the error rate of payments",
        scope={"series": ["payments/error_rate"]},
        signals=[{"kind": "theta_scale", "value": 1.5}],
        fate="rejected",
        confidence=0.6,
        said="The burst lesson does this already, and loses nothing.",
    ),
    Lesson(
        review="campaign",
        rank=1,
        title="Be patient with orders while the campaign runs",
        scope={"series": ["checkout/orders_per_min"]},
        signals=[{"kind": "persistence", "value": {"k": 3, "n": 4}}],
        fate="expiring",
        confidence=0.6,
        override="For as long as the campaign runs, and no longer.",
    ),
)


def tell(written: Mapping[str, Postmortem], people: Mapping[str, User]) -> list[Insight]:
    """Propose every lesson and let the cast decide on it, in this order."""
    return [_tell(lesson, written[lesson.review], people) for lesson in LESSONS]


def _tell(lesson: Lesson, postmortem: Postmortem, people: Mapping[str, User]) -> Insight:
    recommendation = Recommendation.objects.get(postmortem=postmortem, rank=lesson.rank)
    expires_at = timezone.now() + SHORT_LIFE if lesson.fate == "expiring" else None
    insight = services.propose_insight(
        draft=_draft(lesson, recommendation, postmortem, expires_at), author=postmortem.author
    )
    _decide(lesson, insight, people)
    if lesson.action is not None:
        _act(lesson, insight, postmortem, people)
    if lesson.fate == "withdrawn":  # after its trial: only what was served is measured
        services.withdraw_insight(insight_id=insight.pk, actor=people["kim"], reason=lesson.said)
    return insight


def _draft(
    lesson: Lesson, recommendation: Recommendation, postmortem: Postmortem, expires_at: datetime | None
) -> Draft:
    lines = [recommendation.first_line, recommendation.last_line]
    return Draft(
        title=lesson.title,
        recommendation=recommendation.text,
        scope=clean_scope(lesson.scope),
        confidence=lesson.confidence,
        source=clean_source({"postmortem": postmortem.pk, "lines": lines}, reader=postmortem.author),
        signals=clean_signals(lesson.signals),
        expires_at=expires_at,
    )


def _decide(lesson: Lesson, insight: Insight, people: Mapping[str, User]) -> None:
    if lesson.fate == "proposed":
        return
    if lesson.fate == "changes_requested":
        services.request_changes(insight_id=insight.pk, seen=1, reviewer=people["sam"], reason=lesson.said)
        return
    if lesson.fate == "rejected":
        services.reject_insight(insight_id=insight.pk, seen=1, reviewer=people["sam"], reason=lesson.said)
        return
    if lesson.lifted:
        services.lift_cap(insight_id=insight.pk, operator=people["ada"], seen=1, reason=lesson.lifted)
    approvers = (("sam", GOOD_MARKS), ("kim", OTHER_MARKS))
    for approver, marks in approvers[:1] if lesson.fate == "half" else approvers:
        services.approve_insight(
            insight_id=insight.pk,
            approver=people[approver],
            seen=1,
            marks=marks,
            override_reason=lesson.override,
            comment=lesson.said if approver == "sam" else "",
        )


def _act(lesson: Lesson, insight: Insight, postmortem: Postmortem, people: Mapping[str, User]) -> None:
    if lesson.action is None:
        return
    title, kind, metric, direction, done = lesson.action
    action = actions.open_action(
        title=title,
        owner=people["robin"],
        due_on=timezone.now().date() + timedelta(days=5),
        kind=kind,
        postmortem_id=postmortem.pk,
        insight_id=insight.pk,
        metric=metric,
        direction=direction,
        service=postmortem.service,
        created_by=people["alex"],
    )
    if done:
        actions.mark_done(action_id=action.pk, actor=people["robin"])

"""Propose an insight, and change what a proposed or served one says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit import ledger
from apps.common.canonical import digest
from apps.common.times import iso_us
from apps.insights import access, gating, provenance, shadowing, telling
from apps.insights.models import Insight, Revision, ShadowRun, Signal
from apps.postmortems.models import Recommendation
from apps.telemetry.services import ensure_series

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.insights.drafts import Draft


@transaction.atomic
def propose_insight(*, draft: Draft, author: User) -> Insight:
    """File a new insight with its first revision and run its gate.

    Raises:
        InvalidInputError: the draft names a field out of range.
    """
    draft.check()
    judgement = gating.judge(draft.scope, draft.columns())
    insight = Insight.objects.create(author=author)
    revision = _add_revision(insight, 1, draft, author)
    judgement.keep(revision)
    telling.proposed(insight, revision)
    ledger.record(
        actor=author.username,
        action="insight_proposed",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": 1, "digest": revision.digest},
    )
    return insight


@transaction.atomic
def revise_insight(*, insight_id: int, draft: Draft, author: User, seen: int | None = None) -> Insight:
    """Append a revision. What is served stays until the new revision has its own two approvals.

    An insight that was turned down, withdrawn or has expired becomes a proposal again. Approvals of the old
    revision do not carry over.

    Raises:
        NotFoundError: no such insight.
        RevisionChangedError: somebody revised it since `seen`.
        InvalidInputError: the draft names a field out of range.
    """
    draft.check()
    judgement = gating.judge(  # before the lock: others decide meanwhile
        draft.scope, draft.columns(), without=insight_id
    )
    insight = access.lock_insight(insight_id, actor=author)
    access.newest_revision(insight, seen=seen)
    shadowing.end_open(insight, ShadowRun.Ending.REVISED, by=author.username)
    number = insight.revision + 1
    revision = _add_revision(insight, number, draft, author)
    insight.revision = number
    if insight.state != Insight.State.APPROVED:
        insight.state = Insight.State.PROPOSED
    insight.save(update_fields=["revision", "state"])
    judgement.keep(revision)
    telling.revised(insight, revision)
    ledger.record(
        actor=author.username,
        action="insight_revised",
        object_type="insight",
        object_id=insight.pk,
        data={"revision": number, "digest": revision.digest},
    )
    return insight


def _add_revision(insight: Insight, number: int, draft: Draft, author: User) -> Revision:
    for series_id in draft.scope.get("series", []):
        ensure_series(series_id)
    signals = [{"kind": signal.kind, "value": signal.value} for signal in draft.signals]
    content = {
        "title": draft.title,
        "recommendation": draft.recommendation,
        "scope": dict(draft.scope),
        "confidence": draft.confidence,
        "document": draft.source.document,
        "sha256": draft.source.sha256,
        "lines": [draft.source.first_line, draft.source.last_line],
        "signals": signals,
        "objectives": sorted(draft.objectives),
        "expires_at": iso_us(draft.expires_at) if draft.expires_at else None,
    }
    revision = Revision.objects.create(
        insight=insight,
        number=number,
        title=draft.title,
        recommendation=draft.recommendation,
        scope=dict(draft.scope),
        confidence=draft.confidence,
        document=draft.source.document,
        sha256=draft.source.sha256,
        first_line=draft.source.first_line,
        last_line=draft.source.last_line,
        excerpt=draft.source.excerpt,
        source_postmortem_id=provenance.postmortem_number(draft.source),
        source_recommendation=_recommendation(draft),
        prose_reason=draft.prose_reason,
        objectives=sorted(set(draft.objectives)),
        expires_at=draft.expires_at,
        digest=digest(content),
        author=author,
    )
    Signal.objects.bulk_create(
        Signal(revision=revision, kind=signal.kind, value=signal.value, columns=dict(signal.columns))
        for signal in draft.signals
    )
    return revision


def _recommendation(draft: Draft) -> Recommendation | None:
    """The recommendation of the cited postmortem whose lines are just those cited."""
    number = provenance.postmortem_number(draft.source)
    if number is None:
        return None
    return Recommendation.objects.filter(
        postmortem=number, first_line=draft.source.first_line, last_line=draft.source.last_line
    ).first()

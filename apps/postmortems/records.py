"""Writes the rows of a checked review, in the transaction of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.actions.services import open_action
from apps.catalog.services import ensure_service

from . import facts, priors
from .composing import compose
from .errors import AlreadyAmendedError
from .models import (
    Citation,
    Observation,
    Postmortem,
    PostmortemLabel,
    Recommendation,
    TimelineEntry,
    text_hash,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apps.accounts.models import User

    from .composing import Composed
    from .review import Review


def write(review: Review, *, author: User, amends: Postmortem | None) -> Postmortem:
    """The review with its labels, statements, facts and action items.

    Raises:
        AlreadyAmendedError: somebody else amended that version before.
    """
    _refuse_second_amendment(amends)
    composed = compose(review)
    postmortem = Postmortem.objects.create(
        title=review.title,
        service=ensure_service(review.service),
        kind=review.kind,
        incident_id=review.incident_id,
        amends=amends,
        summary=review.summary,
        no_human_factor_reason=review.no_human_factor_reason,
        narrative=composed.text,
        sha256=text_hash(composed.text),
        author=author,
    )
    _labels(postmortem, review)
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            postmortem=postmortem,
            number=number,
            at=entry.at,
            precision=entry.precision,
            as_written=entry.as_written,
            kind=entry.kind,
            actor_role=entry.actor_role,
            source=entry.source,
            text=entry.text,
        )
        for number, entry in enumerate(review.timeline, 1)
    )
    _recommendations(postmortem, review, composed, _observations(postmortem, review, composed))
    # Facts before the actions: their lock comes before the ledger's, which every service takes last.
    facts.push(postmortem.service)
    priors.ask(f"review:{postmortem.pk}")
    for rank, task in enumerate(review.tasks, 1):
        open_action(
            title=task.title,
            owner=task.owner,
            due_on=task.due_on,
            kind=task.kind,
            metric=task.metric,
            direction=task.direction,
            postmortem_id=postmortem.pk,
            service=postmortem.service,
            rank=rank,
            created_by=author,
        )
    return postmortem


def _refuse_second_amendment(amends: Postmortem | None) -> None:
    if amends is None:
        return
    Postmortem.objects.select_for_update(of=("self",)).get(pk=amends.pk)
    later = Postmortem.objects.filter(amends=amends).select_related("author").first()
    if later is not None:
        raise AlreadyAmendedError(
            f"{later.author.username} has amended this version as postmortem {later.pk}.",
            remedy="Amend that one; your draft is kept.",
        )


def _labels(postmortem: Postmortem, review: Review) -> None:
    PostmortemLabel.objects.bulk_create(
        PostmortemLabel(postmortem=postmortem, term=term, vocabulary_version=term.vocabulary.version)
        for terms in review.labels.values()
        for term in terms
    )


def _observations(postmortem: Postmortem, review: Review, composed: Composed) -> Sequence[Observation]:
    return Observation.objects.bulk_create(
        Observation(
            postmortem=postmortem,
            number=number,
            text=seen.text,
            evidence=seen.evidence,
            first_line=first,
            last_line=last,
        )
        for number, (seen, (first, last)) in enumerate(
            zip(review.observations, composed.observations, strict=True), 1
        )
    )


def _recommendations(
    postmortem: Postmortem, review: Review, composed: Composed, observations: Sequence[Observation]
) -> None:
    rows = Recommendation.objects.bulk_create(
        Recommendation(postmortem=postmortem, rank=rank, text=advice.text, first_line=first, last_line=last)
        for rank, (advice, (first, last)) in enumerate(
            zip(review.recommendations, composed.recommendations, strict=True), 1
        )
    )
    Citation.objects.bulk_create(
        Citation(recommendation=row, observation=observations[number - 1])
        for row, advice in zip(rows, review.recommendations, strict=True)
        for number in advice.cites
    )

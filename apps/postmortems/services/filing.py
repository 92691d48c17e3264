"""File a postmortem: a text as it is, or a review part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from apps.audit import ledger
from apps.catalog.services import ensure_service
from apps.common.errors import InvalidInputError, NotFoundError
from apps.postmortems import records
from apps.postmortems.checking import check
from apps.postmortems.content import tidied
from apps.postmortems.errors import DraftClosedError
from apps.postmortems.models import MAX_NARRATIVE, MAX_TITLE, Draft, Postmortem, text_hash
from apps.postmortems.review import ReviewIncompleteError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.accounts.models import User


@transaction.atomic
def file_postmortem(*, title: str, service: str, narrative: str, author: User) -> Postmortem:
    """File a postmortem on a service, which is made known on first sight.

    Raises:
        InvalidInputError: an empty or too long text, a NUL character, or a name that is no service's.
    """
    _check_text("title", title, MAX_TITLE)
    _check_text("narrative", narrative, MAX_NARRATIVE)
    postmortem = Postmortem.objects.create(
        title=title,
        service=ensure_service(service),
        narrative=narrative,
        sha256=text_hash(narrative),
        author=author,
    )
    ledger.record(
        actor=author.username,
        action="postmortem_filed",
        object_type="postmortem",
        object_id=postmortem.pk,
        data={"service": service, "sha256": postmortem.sha256},
    )
    return postmortem


@transaction.atomic
def file_review(
    *,
    title: str,
    service: str,
    summary: str,
    labels: Mapping[str, str | Sequence[str]],
    observations: Sequence[Mapping[str, Any]],
    recommendations: Sequence[Mapping[str, Any]] = (),
    timeline: Sequence[Mapping[str, Any]] = (),
    actions: Sequence[Mapping[str, Any]] = (),
    kind: str = "incident",
    incident_id: int | None = None,
    no_human_factor_reason: str = "",
    amends_id: int | None = None,
    author: User,
) -> Postmortem:
    """File a review by its parts.

    `labels` are codes by vocabulary. Observations are `{"text", "evidence"}`, recommendations in order of
    rank `{"text", "cites": [numbers of observations, from 1]}`, timeline entries `{"at", "text", "kind"}` and
    as far as known `actor_role`, `source`, `precision`; actions `{"title", "owner" (user name), "due_on",
    "kind"}` and, if they are to be measured, `metric` and `direction`.

    Raises:
        ReviewIncompleteError: something is missing or wrong; it lists everything.
        NotFoundError: there is nothing to amend.
        AlreadyAmendedError: that version has been amended.
    """
    data = {
        "title": title,
        "service": service,
        "kind": kind,
        "incident": incident_id,
        "summary": summary,
        "labels": {slug: codes if isinstance(codes, str) else list(codes) for slug, codes in labels.items()},
        "no_human_factor_reason": no_human_factor_reason,
        "timeline": [dict(row) for row in timeline],
        "observations": [{**row, "id": number} for number, row in enumerate(observations, 1)],
        "recommendations": [dict(row) for row in recommendations],
        "actions": [dict(row) for row in actions],
    }
    return _file(data, author=author, amends=_amended(amends_id, author))


@transaction.atomic
def file_draft(*, draft_id: int, author: User) -> Postmortem:
    """File what a draft says; its `author` is whoever files it.

    Raises:
        NotFoundError: no such draft, or not for this person.
        DraftClosedError: it was filed or discarded before.
        ReviewIncompleteError: something is missing or wrong; it lists everything.
        AlreadyAmendedError: the version that it amends has been amended.
    """
    draft = Draft.objects.visible_to(author).select_for_update(of=("self",)).filter(pk=draft_id).first()
    if draft is None:
        raise NotFoundError(f"There is no draft {draft_id}.")
    if draft.state != Draft.State.OPEN:
        raise DraftClosedError("This draft has been filed or discarded.")
    return _file(tidied(draft.data), author=author, amends=_amended(draft.amends_id, author), draft=draft)


def _file(
    data: Mapping[str, Any], *, author: User, amends: Postmortem | None, draft: Draft | None = None
) -> Postmortem:
    review, problems = check(data, reader=author)
    if problems:
        raise ReviewIncompleteError(problems)
    postmortem = records.write(review, author=author, amends=amends)
    if draft is not None:
        draft.state, draft.filed_as = Draft.State.FILED, postmortem
        draft.save(update_fields=["state", "filed_as"])
    ledger.record(
        actor=author.username,
        action="postmortem_filed",
        object_type="postmortem",
        object_id=postmortem.pk,
        data={
            "service": review.service,
            "sha256": postmortem.sha256,
            "amends": None if amends is None else amends.pk,
        },
    )
    return postmortem


def _amended(number: int | None, reader: User) -> Postmortem | None:
    if number is None:
        return None
    found = Postmortem.objects.visible_to(reader).filter(pk=number).first()
    if found is None:
        raise NotFoundError(f"There is no postmortem {number}.", field="amends")
    return found


def _check_text(field: str, text: str, longest: int) -> None:
    if not text.strip():
        raise InvalidInputError(f"The {field} is empty.", field=field, remedy="Write at least a word.")
    if len(text) > longest:
        raise InvalidInputError(
            f"The {field} has {len(text):,} characters; {longest:,} are kept.",
            field=field,
            remedy="Attach long logs elsewhere and cite them.",
        )
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise InvalidInputError(
            f"The {field} has a NUL character in line {line}.", field=field, remedy="Remove it."
        )
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInputError(f"The {field} has half a surrogate pair.", field=field, remedy="Remove it.")

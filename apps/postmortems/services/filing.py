"""File a postmortem: a text as it is, or a review part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit import ledger
from apps.catalog.services import ensure_service
from apps.common.errors import InvalidInputError

from apps.postmortems.models import MAX_NARRATIVE, MAX_TITLE, Postmortem, text_hash

if TYPE_CHECKING:
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

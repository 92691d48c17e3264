"""Use cases of postmortems: file one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from apps.audit import ledger
from apps.catalog.services import ensure_service
from apps.common.errors import InvalidInputError

from .models import MAX_NARRATIVE, Postmortem, text_hash

if TYPE_CHECKING:
    from apps.accounts.models import User


@transaction.atomic
def file_postmortem(*, title: str, service: str, narrative: str, author: User) -> Postmortem:
    """File a postmortem on a service, which is made known on first sight.

    Raises:
        InvalidInputError: an empty or too long text, a NUL character, or a name that is no service's.
    """
    for name, value in (("title", title), ("narrative", narrative)):
        if not value.strip():
            raise InvalidInputError(f"The {name} is empty.", field=name, remedy="Write at least a word.")
        if "\x00" in value:
            raise InvalidInputError(f"The {name} has a NUL character.", field=name, remedy="Remove it.")
    if len(narrative) > MAX_NARRATIVE:
        raise InvalidInputError(
            f"The narrative has {len(narrative):,} characters; {MAX_NARRATIVE:,} are kept.",
            field="narrative",
            remedy="Attach long logs elsewhere and cite them.",
        )
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

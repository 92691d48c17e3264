"""Hold the labels of authors who are outliers, and let them go again when a person says so.

`OutcomeLabelQuerySet.trusted` is the one place where held labels are left out; both deeds tell the facts of
the series concerned anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog
from django.db import connection, transaction
from django.db.models import Max, Min, Q

from apps.accounts.models import Role, User
from apps.analysis.quarantine import Flips, Said, outliers
from apps.audit import ledger
from apps.common.errors import DomainError, ForbiddenError, InvalidInputError, NotFoundError, require

from . import outcomes
from .models import OutcomeLabel, Quarantine, QuarantineRelease, Series
from .reading import to_us

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

log = structlog.get_logger(__name__)
ACTOR = "quarantine"
LOCK = 4_226_036
MAX_REASON = 2_000
Author = tuple[int | None, str]  # a person, or the source of labels that nobody recorded


class ReleasedError(DomainError):
    """The quarantine was released already."""

    code = "already_released"


@transaction.atomic
def decide() -> list[Quarantine]:
    """Hold the labels of everybody who is an outlier now; those decided in this run.

    Labels that are held, of drills or of the hold-out are not looked at; those that somebody released speak
    for or against others and are not judged again. A second run finds nothing new.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    released = _released()
    rows = OutcomeLabel.objects.counted().values_list(
        "recorded_by", "source", "series", "start_at", "end_at", "kind", "recorded_at"
    )
    names: dict[str, Author] = {}
    said = []
    for person, source, series, start, end, kind, recorded in rows.iterator():
        author = (person, "" if person else source)
        name = f"person {person}" if person else f"source {source}"
        names[name] = author
        let_go = released.get(author)
        said.append(
            Said(
                *(name, series, to_us(start), to_us(end), kind == OutcomeLabel.Kind.INCIDENT),
                vouched=let_go is not None and recorded <= let_go,
            )
        )
    made = [_hold(names[flips.author], flips, released) for flips in outliers(said)]
    _tell(*((one.person_id, one.source) for one in made))
    for one in made:
        ledger.record(
            actor=ACTOR,
            action="labels_quarantined",
            object_type="quarantine",
            object_id=one.pk,
            data={"person": one.person_id, "source": one.source, "reason": one.reason},
        )
        log.warning("labels_quarantined", quarantine=one.pk, checked=one.checked, flips=one.flips)
    return made


@transaction.atomic
def release(*, quarantine_id: int, by: User, reason: str) -> QuarantineRelease:
    """Let the labels of a quarantine be used again; what the author says from now on is judged anew.

    Raises:
        NotFoundError: no such quarantine.
        ForbiddenError: neither reviewer nor operator, or the labels are one's own.
        ReleasedError: it was released already.
        InvalidInputError: no reason, or one that is too long.
    """
    found = Quarantine.objects.visible_to(by).select_for_update(of=("self",)).filter(pk=quarantine_id).first()
    if found is None:
        raise NotFoundError("There is no such quarantine.", field="id")
    if not by.has_role(Role.REVIEWER, Role.OPERATOR):
        raise ForbiddenError("Reviewers and operators release labels.", remedy="Ask one of them.")
    if found.person_id == by.pk:
        raise ForbiddenError("These are your own labels.", remedy="Ask another reviewer or operator.")
    if QuarantineRelease.objects.filter(quarantine=found).exists():
        raise ReleasedError("These labels were released already.")
    _check_reason(reason)
    made = QuarantineRelease.objects.create(quarantine=found, by=by, reason=reason.strip())
    made.refresh_from_db()
    _tell((found.person_id, found.source))
    ledger.record(
        actor=by.username,
        action="labels_released",
        object_type="quarantine",
        object_id=found.pk,
        data={"reason": made.reason},
    )
    return made


def _released() -> dict[Author, datetime]:
    """When each author's labels were last released."""
    rows = QuarantineRelease.objects.values_list("quarantine__person", "quarantine__source")
    return {(person, source): at for person, source, at in rows.annotate(last=Max("at"))}


def _hold(author: Author, flips: Flips, released: Mapping[Author, datetime]) -> Quarantine:
    """Every label of the author, or every one since the last release."""
    theirs = OutcomeLabel.objects.filter(_of(author))
    let_go = released.get(author)
    if let_go is not None:
        theirs = theirs.filter(recorded_at__gt=let_go)
    since = require(theirs.aggregate(first=Min("recorded_at"))["first"], "the first label of an outlier")
    return Quarantine.objects.create(
        person_id=author[0],
        source=author[1],
        since=since,
        reason=(
            f"{flips.flips} of {flips.checked} statements are contradicted by the others, "
            f"{flips.ratio:.0f} times the rate among the rest ({flips.rest_flips} of {flips.rest_checked}); "
            f"exact test p = {flips.p:.2g}, {flips.tested} authors tested."
        ),
        checked=flips.checked,
        flips=flips.flips,
        rest_checked=flips.rest_checked,
        rest_flips=flips.rest_flips,
        p=flips.p,
        tested=flips.tested,
        labels=theirs.count(),
    )


def _of(author: Author) -> Q:
    person, source = author
    return Q(recorded_by=person) if person else Q(recorded_by__isnull=True, source=source)


def _tell(*authors: Author) -> None:
    """Tell the facts of every series that one of them labelled, locked as those who label lock them."""
    if not authors:
        return
    where = Q()
    for author in authors:
        where |= _of(author)
    touched = set(OutcomeLabel.objects.filter(where).values_list("series", flat=True))
    locked: Any = Series.objects.select_for_update(of=("self",)).filter(pk__in=touched).order_by("pk")
    outcomes.push(list(locked.values_list("pk", flat=True)))


def _check_reason(reason: str) -> None:
    if "\0" in reason or not any(character.isalnum() for character in reason):
        raise InvalidInputError("Write why.", field="reason", remedy="It stays, and the author reads it.")
    if len(reason.strip()) > MAX_REASON:
        raise InvalidInputError(f"At most {MAX_REASON} characters.", field="reason")

"""Releases: append one, read the content of any, compare two. No HTTP, no Feast, nothing of insights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from apps.audit import outbox
from apps.common.canonical import digest
from apps.common.errors import NotFoundError

from . import locks
from .models import ProfileRow, Release
from .schema import ProfileContent, check_series, normalise, restore, summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from django.db.models import QuerySet

PUBLISH_KIND = "features.publish"

__all__ = [
    "ProfileContent",
    "append_release",
    "changes_to",
    "content_at",
    "current",
    "diff",
    "get_release",
    "lock",
]


def append_release(
    *,
    kind: str,
    author: str,
    reason: str,
    manifest: Sequence[Mapping[str, Any]],
    changes: Mapping[str, ProfileContent | None],
) -> Release:
    """Append a release in the caller's transaction and ask for its publication.

    `changes` maps a series to its new content, None (or content without values) withdraws it. Series whose
    content does not differ get no row; a release without any row is allowed, since the manifest may change
    alone. The lock is held until the caller's transaction ends, so that no release can commit out of order:
    keep the rest of the transaction short. `known_at` is the clock inside the lock, at least one microsecond
    after the last.

    Raises:
        InvalidInputError: bad series id, unknown column, wrong type, or a value without a source.
        RuntimeError: called outside a transaction.
    """
    wanted = {check_series(series): _content(content) for series, content in changes.items()}
    lock()
    number, known_at = _next()
    latest = {row.series: row for row in _latest().filter(series__in=wanted)}
    rows = []
    for series, content in sorted(wanted.items()):
        old = latest.get(series)
        if content == (_content_of(old) if old else ProfileContent({})):
            continue
        status = ProfileRow.Status.ACTIVE if content.values else ProfileRow.Status.WITHDRAWN
        version = old.version + 1 if old else 1
        rows.append(
            ProfileRow(
                series=series,
                release_id=number,
                version=version,
                known_at=known_at,
                status=status,
                values=content.values,
                sources=content.sources,
            )
        )
    entries = [dict(entry) for entry in manifest]
    release = Release.objects.create(
        number=number,
        known_at=known_at,
        digest=_digest(_values() | {row.series: row.values for row in rows}, entries),
        parent_id=number - 1 or None,
        manifest=entries,
        kind=Release.Kind(kind),
        author=author,
        reason=reason,
    )
    ProfileRow.objects.bulk_create(rows)
    outbox.add(kind=PUBLISH_KIND, key=str(number), payload={})
    return release


def lock() -> None:
    """Hold the release lock until the transaction ends. Callers that lock rows of their own take it first.

    Raises:
        RuntimeError: called outside a transaction.
    """
    locks.hold(locks.RELEASE_LOCK)


def next_number() -> int:
    """The number that the next release of this transaction gets; the caller holds the lock."""
    return _next()[0]


def current() -> dict[str, ProfileContent]:
    """Content of the newest release, published or not: series id to what it is served."""
    return _active(_latest_rows())


def content_at(number: int) -> dict[str, ProfileContent]:
    """Content of release `number`.

    Raises:
        NotFoundError: no such release.
    """
    return _active(_latest_rows(get_release(number).number))


def rows_at(number: int) -> dict[str, ProfileRow]:
    """The row in force for every series under release `number`, withdrawn ones too."""
    return _latest_rows(number)


def changes_to(number: int) -> dict[str, ProfileContent | None]:
    """What `append_release` needs to bring back the content of release `number` (a revert)."""
    goal, now = content_at(number), current()
    return {
        series: goal.get(series) for series in goal.keys() | now.keys() if goal.get(series) != now.get(series)
    }


def get_release(number: int) -> Release:
    """Release `number`.

    Raises:
        NotFoundError: there is none.
    """
    release = Release.objects.filter(number=number).first()
    if release is None:
        raise NotFoundError(f"There is no release {number}.", field="release")
    return release


def diff(a: int, b: int, *, min_confidence: float | None = None) -> dict[str, dict[str, Any]]:
    """What changes from release `a` to release `b`: series to {"from", "to", "columns"}, values only.

    A consumer with a `min_confidence` sees no value below it (A20).

    Raises:
        NotFoundError: one of them does not exist.
    """
    before, after = content_at(a), content_at(b)
    changed: dict[str, dict[str, Any]] = {}
    for series in sorted(before.keys() | after.keys()):
        old = _visible(before[series], min_confidence) if series in before else None
        new = _visible(after[series], min_confidence) if series in after else None
        if old != new:
            columns = {**(old or {}), **(new or {})}.keys()
            changed[series] = {
                "from": old,
                "to": new,
                "columns": sorted(c for c in columns if (old or {}).get(c) != (new or {}).get(c)),
            }
    return changed


def _visible(content: ProfileContent, min_confidence: float | None) -> dict[str, Any]:
    if min_confidence is None:
        return content.values
    kept = {
        column: source for column, source in content.sources.items() if source["confidence"] >= min_confidence
    }
    return {column: content.values[column] for column in kept} | summary(kept)


def settle() -> datetime:
    """Wait until no release is in the making, and return the moment from which on nothing earlier can appear.

    A join at or before the returned moment gives the same answer for ever: a later release has a later
    `known_at`.

    Raises:
        ReleaseInProgressError: a release has been in the making for more than five seconds.
    """
    return locks.settle(
        locks.RELEASE_LOCK,
        locks.ReleaseInProgressError("A release is being made; ask again in a moment."),
    )


def _content(content: ProfileContent | None) -> ProfileContent:
    return normalise(content) if content is not None else ProfileContent({})


def _content_of(row: ProfileRow) -> ProfileContent:
    # jsonb prints 1e22 as an integer: normalising restores the declared types.
    return normalise(ProfileContent(row.values, row.sources))


def _next() -> tuple[int, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(max(number), 0) + 1, greatest(clock_timestamp(),"
            " coalesce(max(known_at), '-infinity') + interval '1 microsecond') FROM features_release"
        )
        number, known_at = cursor.fetchone()
        return int(number), known_at


def _latest() -> QuerySet[ProfileRow]:
    """The newest row of every series. In this order one index, read backwards, has them sorted already."""
    return ProfileRow.objects.order_by("-series", "-release_id").distinct("series")


def _latest_rows(number: int | None = None) -> dict[str, ProfileRow]:
    rows = _latest() if number is None else _latest().filter(release_id__lte=number)
    return {row.series: row for row in rows}


def _values() -> dict[str, dict[str, Any]]:
    """What every series is served now, {} for a withdrawn one; without the sources, which are much longer."""
    return {series: restore(values) for series, values in _latest().values_list("series", "values")}


def _active(rows: Mapping[str, ProfileRow]) -> dict[str, ProfileContent]:
    return {s: _content_of(row) for s, row in rows.items() if row.status == ProfileRow.Status.ACTIVE}


def _digest(values: Mapping[str, Mapping[str, Any]], manifest: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256 over all active values and the manifest: equal content gives equal digests, whenever it was
    made."""
    series = {name: dict(columns) for name, columns in values.items() if columns}
    ordered = sorted(manifest, key=lambda entry: (str(entry.get("insight")), str(entry.get("revision"))))
    return digest({"series": series, "manifest": ordered})

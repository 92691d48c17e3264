"""Labels that somebody keeps up to date. A plain function, so that services of higher rooms may call it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.common.errors import InvalidInputError

from . import outcomes
from .intake import from_us
from .models import OutcomeLabel, Series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User

    from .sources import Label


@dataclass(frozen=True, slots=True)
class LabelsSet:
    """How many labels of a source were added, removed, and kept as they were."""

    added: int
    removed: int
    same: int


def set_labels(
    *,
    source: str,
    labels: Iterable[Label],
    is_drill: bool = False,
    is_holdout: bool = False,
    by: User | None = None,
) -> LabelsSet:
    """Make `labels` all that `source` says, in the caller's transaction; those that it no longer says go.

    Other sources keep theirs, also of the same interval: what one takes back the other still says.

    Raises:
        InvalidInputError: a series that we do not have.
    """
    wanted = {
        (label.series_id, from_us(label.interval.start_us), from_us(label.interval.end_us), label.kind)
        for label in labels
    }
    there = OutcomeLabel.objects.filter(source=source)
    touched = {key[0] for key in wanted} | set(there.values_list("series_id", flat=True))
    # Locked in one order with those who import labels.
    known = set(
        Series.objects.select_for_update(of=("self",))
        .filter(pk__in=touched)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if missing := sorted(touched - known):
        raise InvalidInputError(f"There is no series {missing[0]!a}.", field="series")
    flags = (is_drill, is_holdout)
    kept, gone = set(), []
    for row in there.all():
        key = (row.series_id, row.start_at, row.end_at, row.kind)
        if key in wanted and (row.is_drill, row.is_holdout) == flags:
            kept.add(key)
        else:
            gone.append(row.pk)
    OutcomeLabel.objects.filter(pk__in=gone).delete()
    new = [
        OutcomeLabel(
            series_id=series_id,
            start_at=start,
            end_at=end,
            kind=kind,
            source=source,
            is_drill=is_drill,
            is_holdout=is_holdout,
            recorded_by=by,
        )
        for series_id, start, end, kind in sorted(wanted - kept)
    ]
    OutcomeLabel.objects.bulk_create(new, batch_size=1000)
    if new or gone:
        outcomes.push(touched)
    return LabelsSet(added=len(new), removed=len(gone), same=len(kept))

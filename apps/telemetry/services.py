"""Imports: each file is one transaction, recorded, and without effect the second time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from django.db import transaction

from apps.audit import ledger
from apps.common.errors import InvalidInputError
from apps.common.times import iso_us

from . import loading, outcomes
from .labelling import LabelsSet, set_labels
from .models import ImportRun, OutcomeLabel, Series
from .reading import from_us
from .registry import ensure_series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.accounts.models import User

    from .sources import Label, SeriesFile

__all__ = [
    "LabelsResult",
    "LabelsSet",
    "SeriesResult",
    "ensure_series",
    "import_labels",
    "import_series",
    "set_labels",
]

log = structlog.get_logger(__name__)
COMMAND_LINE = "command-line"  # the actor of imports that no person is signed in for


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """What an import did to one series; `changed` counts samples whose stored value was replaced."""

    series: str
    status: str  # imported, unchanged
    added: int
    changed: int
    same: int
    report: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LabelsResult:
    """What an import did to the labels. `unknown`: labels by series that we do not have."""

    added: int
    same: int
    unknown: dict[str, int] = field(default_factory=dict)


@transaction.atomic
def import_series(
    *, reading: SeriesFile, tz: str = "UTC", by: User | None = None, source: str = "csv"
) -> SeriesResult:
    """Store a file that was read without error.

    The same bytes again, as the latest import of the series, change nothing. Where the files
    disagree about a time, the file imported last wins, and the report counts it under `stored_conflicts`.

    Raises:
        SeriesNameError: the reading has no proper series id.
    """
    ensure_series(reading.series_id, source=source)
    series = Series.objects.select_for_update(of=("self",)).get(pk=reading.series_id)
    report = reading.report.as_dict()
    latest = ImportRun.objects.filter(series=series).order_by("-at", "-pk").first()
    if latest is not None and (latest.sha256, latest.tz) == (reading.report.sha256, tz):
        return SeriesResult(series.pk, "unchanged", 0, 0, len(reading.times), report)
    loaded = loading.load_samples(series, reading.times, reading.values)
    if loaded.changed and loaded.first_change is not None:
        report["issues"]["stored_conflicts"] = {
            "count": loaded.changed,
            "first_row": None,
            "first_at": iso_us(loaded.first_change),
            "action": "the file imported last wins",
        }
    run = ImportRun.objects.create(
        file=reading.report.file[-1000:],
        series=series,
        tz=tz,
        sha256=reading.report.sha256,
        rows=reading.report.rows,
        report=report,
        by=_name(by),
    )
    counts = {"added": loaded.added, "changed": loaded.changed, "same": loaded.same, "sha256": run.sha256}
    log.info(
        "series_imported", series=series.pk, import_run=run.pk, added=loaded.added, changed=loaded.changed
    )
    ledger.record(
        actor=_name(by),
        action="telemetry.import_series",
        object_type="series",
        object_id=series.pk,
        data=counts,
    )
    return SeriesResult(series.pk, "imported", loaded.added, loaded.changed, loaded.same, report)


@transaction.atomic
def import_labels(
    *,
    labels: Iterable[Label],
    source: str,
    by: User | None = None,
    is_holdout: bool = False,
    is_drill: bool = False,
    skip_unknown: bool = False,
) -> LabelsResult:
    """Store labels; one that is there already (series, start, end, kind) stays as it is.

    Raises:
        InvalidInputError: a series that we do not have, unless `skip_unknown` leaves its labels aside.
    """
    wanted = list(dict.fromkeys(labels))
    # Locked in one order, so that two imports at once neither deadlock nor count each other's rows.
    known = {
        series.pk
        for series in Series.objects.select_for_update(of=("self",))
        .filter(pk__in={label.series_id for label in wanted})
        .order_by("pk")
    }
    unknown: dict[str, int] = {}
    for number, label in enumerate(wanted):
        if label.series_id not in known:
            _refuse_unknown(label.series_id, number, skip=skip_unknown)
            unknown[label.series_id] = unknown.get(label.series_id, 0) + 1
    rows = [
        OutcomeLabel(
            series_id=label.series_id,
            start_at=from_us(label.interval.start_us),
            end_at=from_us(label.interval.end_us),
            kind=label.kind,
            source=source[-200:],
            is_holdout=is_holdout,
            is_drill=is_drill,
            recorded_by=by,
        )
        for label in wanted
        if label.series_id in known
    ]
    # What only a held label says must be said again; one source says a thing once, held or not.
    stored = OutcomeLabel.objects.filter(series__in=known)
    there = set(
        (stored.trusted() | stored.filter(source=source[-200:])).values_list(
            "series", "start_at", "end_at", "kind"
        )
    )
    new = [row for row in rows if (row.series_id, row.start_at, row.end_at, row.kind) not in there]
    OutcomeLabel.objects.bulk_create(new, batch_size=1000)
    if new:
        outcomes.push(row.series_id for row in new)
        ledger.record(
            actor=_name(by),
            action="telemetry.import_labels",
            object_type="labels",
            object_id=source[-200:],
            data={"added": len(new), "same": len(rows) - len(new)},
        )
    return LabelsResult(len(new), len(rows) - len(new), unknown)


def _refuse_unknown(series_id: str, number: int, *, skip: bool) -> None:
    if not skip:
        raise InvalidInputError(
            f"There is no series {series_id!a}.",
            field=f"items.{number}.series",
            remedy="Import the series first, or mend its name.",
        )


def _name(by: User | None) -> str:
    return by.username if by is not None else COMMAND_LINE

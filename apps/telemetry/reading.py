"""What other rooms read of series: samples, labels, and the series that a scope stands for."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connection

from apps.analysis.types import Interval, Telemetry
from apps.common.errors import InvalidInputError, NotFoundError

from .intake import EPOCH, from_us
from .models import OutcomeLabel, Series
from .sources.names import SeriesNameError, split_series_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from apps.analysis.types import Floats, Times

__all__ = ["from_us", "labels", "labels_of", "read", "read_all", "resolve", "to_us"]

BATCH = 50_000  # rows fetched at a time
MICROSECOND = timedelta(microseconds=1)
SCOPE_REMEDY = (
    'A scope is {"series": ["service/metric", …]}, {"service": "…"}, {"service": "…", "metric_family": "…"} '
    'or {"fleet": true}.'
)


def to_us(moment: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (moment - EPOCH) // MICROSECOND


def read(
    series_id: str, start: datetime | None = None, end: datetime | None = None, *, limit: int | None = None
) -> Telemetry:
    """The samples of a series in [start, end], the first `limit` of them; empty for one that has none.

    Raises:
        NotFoundError: no such series.
    """
    if not Series.objects.filter(pk=series_id).exists():
        raise NotFoundError(
            f"There is no series {series_id!a}.", field="series", remedy="Import or register it."
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (extract(epoch FROM at) * 1000000)::bigint, value FROM telemetry_sample "
            "WHERE series_id = %s AND at >= coalesce(%s::timestamptz, '-infinity') "
            "AND at <= coalesce(%s::timestamptz, 'infinity') "
            "ORDER BY at LIMIT %s",
            [series_id, start, end, limit],
        )
        rows = cursor.fetchall()
    return Telemetry(
        times=np.array([row[0] for row in rows], dtype=np.int64),
        values=np.array([row[1] for row in rows], dtype=np.float64),
    )


def read_all(series_ids: Collection[str]) -> dict[str, Telemetry]:
    """All samples of several series in one query; one that has none, or is not known, is empty."""
    found: dict[str, list[tuple[Times, Floats]]] = {name: [] for name in series_ids}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT series_id, (extract(epoch FROM at) * 1000000)::bigint, value FROM telemetry_sample "
            "WHERE series_id = ANY(%s) ORDER BY series_id, at",
            [list(found)],
        )
        while rows := cursor.fetchmany(BATCH):
            for name, own in groupby(rows, key=itemgetter(0)):
                taken = list(own)
                found[name].append(
                    (
                        np.array([row[1] for row in taken], dtype=np.int64),
                        np.array([row[2] for row in taken], dtype=np.float64),
                    )
                )
    nothing = (np.array([], dtype=np.int64), np.array([], dtype=np.float64))
    return {
        name: Telemetry(
            times=np.concatenate([times for times, _ in parts or [nothing]]),
            values=np.concatenate([values for _, values in parts or [nothing]]),
        )
        for name, parts in found.items()
    }


def labels_of(series_ids: Collection[str]) -> dict[str, list[Interval]]:
    """Labelled incidents of several series in one query, each as `labels` gives them."""
    found: dict[str, list[Interval]] = {name: [] for name in series_ids}
    rows = OutcomeLabel.objects.counted(include_holdout=False).filter(
        series_id__in=list(found), kind="incident"
    )
    for name, start, end in (
        rows.order_by("series_id", "start_at", "end_at")
        .values_list("series_id", "start_at", "end_at")
        .distinct()
    ):
        found[name].append(Interval(start_us=to_us(start), end_us=to_us(end)))
    return found


def labels(series_id: str, *, kind: str = "incident", include_holdout: bool = False) -> list[Interval]:
    """Labelled intervals of one kind by start; never of drills, of the hold-out only when asked for.

    An interval that several sources name is listed once.
    """
    found = OutcomeLabel.objects.counted(include_holdout=include_holdout).filter(
        series_id=series_id, kind=kind
    )
    return [
        Interval(start_us=to_us(start), end_us=to_us(end))
        for start, end in found.order_by("start_at", "end_at").values_list("start_at", "end_at").distinct()
    ]


def resolve(scope: Mapping[str, Any]) -> list[str]:
    """Ids of the series that a scope stands for now, sorted.

    Named series need not be known yet; the other forms find those that are.

    Raises:
        InvalidInputError: not a scope (see `SCOPE_REMEDY`), or a name in it that is none.
    """
    match dict(scope):
        case {"series": list() | tuple() as ids, **rest} if not rest:
            return _named(ids)
        case {"service": str() as service, **rest} if not rest:
            return _found(service__slug=service)
        case {"service": str() as service, "metric_family": str() as family, **rest} if not rest:
            return _found(service__slug=service, metric_family=family)
        case {"fleet": True, **rest} if not rest:
            return _found()
    raise InvalidInputError(f"Not a scope: {dict(scope)!a}"[:300], field="scope", remedy=SCOPE_REMEDY)


def _named(ids: Sequence[object]) -> list[str]:
    if not ids:
        raise InvalidInputError(
            "A scope needs at least one series.", field="scope.series", remedy=SCOPE_REMEDY
        )
    for number, series_id in enumerate(ids):
        if not isinstance(series_id, str):
            raise InvalidInputError("Not text.", field=f"scope.series.{number}", remedy=SCOPE_REMEDY)
        try:
            split_series_id(series_id)
        except SeriesNameError as exc:
            exc.field = f"scope.series.{number}"
            raise
    return sorted({str(series_id) for series_id in ids})


def _found(**where: str) -> list[str]:
    if any("\0" in value for value in where.values()):  # the database would refuse to compare it
        raise InvalidInputError("A name holds a NUL character.", field="scope", remedy=SCOPE_REMEDY)
    return list(Series.objects.filter(**where).order_by("pk").values_list("pk", flat=True))

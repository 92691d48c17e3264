"""Taking in alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from apps.audit import ledger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from apps.accounts.models import User


@dataclass(frozen=True, slots=True)
class Report:
    """An alarm as it comes in; `release` is what the detector had read, None if nothing."""

    series: str
    at: datetime
    score: float
    release: int | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """`same` were reported before: the first score stays."""

    added: int
    same: int


@transaction.atomic
def report_alarms(*, reports: Iterable[Report], by: User) -> Received:
    """Store alarms, each once per series, time, release and reporter; a repeat is harmless."""
    given = list({(report.series, report.at, report.release): report for report in reports}.values())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alerts_alarm (series, at, score, release, reported_by_id) "
            "SELECT series, at, score, release, %s "
            "FROM unnest(%s::text[], %s::timestamptz[], %s::float8[], %s::int[]) "
            "AS given (series, at, score, release) ORDER BY series, at, release ON CONFLICT DO NOTHING",
            [
                by.pk,
                [report.series for report in given],
                [report.at for report in given],
                [report.score for report in given],
                [report.release for report in given],
            ],
        )
        added = cursor.rowcount
    if added:
        ledger.record(
            actor=by.username,
            action="alerts.report",
            object_type="alarms",
            object_id=given[0].series if len({report.series for report in given}) == 1 else "several",
            data={"added": added, "same": len(given) - added},
        )
    return Received(added, len(given) - added)

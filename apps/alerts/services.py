"""Taking in alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from apps.audit import ledger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.accounts.models import User

    Key = tuple[str, datetime, int | None]


@dataclass(frozen=True, slots=True)
class Report:
    """An alarm as it comes in; `release` is what the detector had read, None if nothing."""

    series: str
    at: datetime
    score: float
    release: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """An alarm that was reported before with another score; `number` counts the reports from 0."""

    number: int
    report: Report
    kept: float


@dataclass(frozen=True, slots=True)
class Received:
    """`same` were reported before just so; of the `differing` the first score stays."""

    added: int
    same: int
    differing: tuple[Difference, ...] = ()


@transaction.atomic
def report_alarms(*, reports: Sequence[Report], by: User) -> Received:
    """Store alarms, each once per series, time, release and reporter; a repeat is harmless.

    A score that differs from the one of before (or from one earlier in the same list) refuses nothing: the
    alarms beside it must not be lost. It is not kept either, and told.
    """
    first: dict[Key, Report] = {}
    for report in reports:
        first.setdefault(_key(report), report)
    given = list(first.values())
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
    kept = {key: report.score for key, report in first.items()} if added == len(first) else _kept(given, by)
    differing = tuple(
        Difference(number, report, kept[_key(report)])
        for number, report in enumerate(reports)
        if report.score != kept[_key(report)]
    )
    same = sum(report.score == kept[_key(report)] for report in given) - added
    if added or differing:
        ledger.record(
            actor=by.username,
            action="alerts.report",
            object_type="alarms",
            object_id=given[0].series if len({report.series for report in given}) == 1 else "several",
            data={"added": added, "same": same, "differing": len(differing)},
        )
    return Received(added, same, differing)


def _key(report: Report) -> Key:
    return report.series, report.at, report.release


def _kept(given: Sequence[Report], by: User) -> dict[Key, float]:
    """The score that stands in the table for each of these alarms."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT given.series, given.at, given.release, alarm.score "
            "FROM unnest(%s::text[], %s::timestamptz[], %s::int[]) AS given (series, at, release) "
            "JOIN alerts_alarm alarm ON alarm.series = given.series AND alarm.at = given.at "
            "AND alarm.release IS NOT DISTINCT FROM given.release AND alarm.reported_by_id = %s",
            [
                [report.series for report in given],
                [report.at for report in given],
                [report.release for report in given],
                by.pk,
            ],
        )
        return {(series, at, release): score for series, at, release, score in cursor.fetchall()}

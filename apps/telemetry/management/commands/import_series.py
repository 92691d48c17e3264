"""`manage.py import_series PATH`: series from a CSV file, a folder or the benchmark archive."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from apps.common.errors import DomainError
from apps.embedded import database, schema
from apps.embedded.errors import EmbeddedError
from apps.telemetry.importing import Outcome, Reading, import_place

if TYPE_CHECKING:
    from collections.abc import Iterable


class Command(BaseCommand):
    help = (
        "Import series: FOLDER/service/metric.csv with the columns timestamp,value, one such file, or the "
        "NAB archive. A broken file is reported with row, column and remedy, nothing of it kept, and the "
        "exit code is 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="a CSV file, a folder or a .tar.gz")
        parser.add_argument("--nab", action="store_true", help="the benchmark: import its incidents too")
        parser.add_argument("--tz", default="UTC", metavar="ZONE", help="zone of times that name none (UTC)")
        parser.add_argument(
            "--service", help="service of a single file, or of the files at the top of a folder"
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database.running():
                schema.migrate()
                outcome = import_place(
                    options["path"],
                    nab=options["nab"],
                    tz=options["tz"],
                    service=options["service"],
                    progress=_bar,
                )
        except (DomainError, EmbeddedError) as exc:
            raise CommandError(str(exc)) from exc
        if options["json"]:
            self.stdout.write(json.dumps(outcome.as_dict()))
        else:
            self._tell(outcome)
        for skip in outcome.skipped:
            self.stderr.write(f"warning: left aside: {skip['file']}: {skip['reason']}")
        if outcome.broken:
            for error in outcome.broken:
                self.stderr.write(error.detail)
            raise CommandError(
                f"{len(outcome.broken)} of {len(outcome.broken) + len(outcome.series)} files are broken; "
                "nothing of them was kept."
            )

    def _tell(self, outcome: Outcome) -> None:
        for result in outcome.series:
            remarks = ", ".join(f"{kind} {issue['count']}" for kind, issue in result.report["issues"].items())
            self.stdout.write(
                f"{result.series}: {result.status}, {result.added} added, {result.changed} changed, "
                f"{result.same} as before{f' ({remarks})' if remarks else ''}"
            )
        if outcome.labels is not None:
            self.stdout.write(f"labels: {outcome.labels.added} added, {outcome.labels.same} as before")


def _bar(readings: Iterable[Reading], total: int | None) -> Iterable[Reading]:
    return tqdm(readings, total=total, unit="file", file=sys.stderr, disable=None)

"""`manage.py import_incidents FILE`: labelled incidents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.common.errors import DomainError
from apps.embedded import database, schema
from apps.embedded.errors import EmbeddedError
from apps.telemetry.importing import import_incidents, labels_dict


class Command(BaseCommand):
    help = (
        "Import labels of known series from a CSV file with the columns series,start,end (and kind: incident "
        "or benign), or from the benchmark's combined_windows.json. A label that is there stays as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="incidents.csv or combined_windows.json")
        parser.add_argument("--tz", default="UTC", metavar="ZONE", help="zone of times that name none (UTC)")
        parser.add_argument("--json", action="store_true", help="print the outcome as one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database.running():
                schema.migrate()
                result = import_incidents(options["path"], tz=options["tz"])
        except (DomainError, EmbeddedError) as exc:
            raise CommandError(str(exc)) from exc
        if options["json"]:
            self.stdout.write(json.dumps(labels_dict(result)))
            return
        self.stdout.write(f"{result.added} labels added, {result.same} as before")
        for series_id, count in result.unknown.items():
            self.stdout.write(f"left aside: {count} labels of {series_id}, which we do not have")

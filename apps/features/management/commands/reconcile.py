"""`manage.py reconcile`: compare database and Feast, and repair on demand."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.features.reconcile import reconcile


class Command(BaseCommand):
    help = "Compare releases, pins and pointer with what Feast holds. Exit code 1 if they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one line of JSON")
        parser.add_argument("--repair", action="store_true", help="make Feast follow the database")

    def handle(self, *args: Any, **options: Any) -> None:
        del args
        report = reconcile(repair=options["repair"])
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            for finding in report.findings:
                self.stdout.write(f"{finding.kind}: {finding.subject}: {finding.detail}")
            self.stdout.write(
                f"{report.checked['views']} views, {report.checked['rows']} rows: "
                + ("clean" if report.clean else f"{len(report.findings)} differences")
            )
        if not report.clean:
            sys.exit(1)

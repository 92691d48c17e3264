"""`manage.py doctor`: what runs, where it lives, what is wrong and what to do."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.embedded import diagnosis

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Say what runs, where its data is, what is wrong and what to do. Exit code 1 if anything is wrong."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = diagnosis.look(settings.DATA_FOLDER, database_url=settings.DATABASE_URL)
        if options["json"]:
            self.stdout.write(json.dumps(found, indent=1))
        else:
            self._tell(found)
        if found["problems"]:
            sys.exit(1)

    def _tell(self, found: dict[str, Any]) -> None:
        self.stdout.write(f"data folder   {found['data_folder']}\nmode          {found['mode']}")
        if found["postgres"]:
            about = found["postgres"]
            self.stdout.write(
                f"postgres      {about['version']} from {about['provider']}, port {about['port']}, "
                f"{about['cluster']}"
            )
        self.stdout.write(f"address       {found['url'] or 'not running'}")
        for child in found["children"]:
            self.stdout.write(f"  {child['name']:<10}{child['pid']:>8}  {child['state']}")
        for problem in found["problems"]:
            self.stdout.write(f"\nproblem: {problem['problem']}\n  what to do: {problem['remedy']}")
        if not found["problems"]:
            self.stdout.write("nothing is wrong")

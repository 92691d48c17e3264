"""`manage.py outbox`: what waits, what is parked and why; `--retry ID` gives a parked row a new life."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Count

from apps.audit import outbox
from apps.audit.models import Outbox

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Show the outbox by state and its parked rows; --retry ID gives one a new life."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--retry", type=int, metavar="ID")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["retry"] is not None and not outbox.revive(options["retry"]):
            raise CommandError(f"no parked row {options['retry']}")
        counts = dict(Outbox.objects.values_list("state").annotate(Count("id")).order_by("state"))
        dead = list(
            Outbox.objects.filter(state="dead").order_by("id").values("id", "kind", "key", "last_error")
        )
        if options["json"]:
            self.stdout.write(json.dumps({"states": counts, "dead": dead}))
            return
        self.stdout.write(", ".join(f"{state} {count}" for state, count in counts.items()) or "empty")
        for row in dead:
            self.stdout.write(f"  {row['id']} {row['kind']} {row['key']}: {row['last_error']}")

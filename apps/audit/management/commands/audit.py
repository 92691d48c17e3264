"""`manage.py audit verify`: walk the ledger and name the first row that is missing or changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit import ledger

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Verify the hash chain of the audit ledger; exits with 1 if it is broken."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["verify"])
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument(
            "--expect-head",
            metavar="HASH",
            help="a head noted elsewhere earlier, which must still be there: shows deleted newest rows",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = ledger.verify(expect_head=options["expect_head"])
        summary = {
            "ok": found.ok,
            "rows": found.rows,
            "head": found.head,
            "first_bad": found.first_bad,
            "reason": found.reason or None,
        }
        text = f"{found.rows} rows, head {found.head}"
        if not found.ok:
            text = f"broken at row {found.first_bad}: {found.reason} ({found.rows} rows before it are sound)"
        self.stdout.write(json.dumps(summary) if options["json"] else text)
        if not found.ok:
            raise CommandError("the ledger is not sound", returncode=1)

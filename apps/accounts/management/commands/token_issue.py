"""`manage.py token_issue ann --scope features:read`: print a new token once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import tokens
from apps.accounts.models import User
from apps.common.errors import DomainError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Make an API token for a person or service account and print it; it is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("--scope", action="append", required=True, choices=sorted(tokens.SCOPES))
        parser.add_argument("--days", type=int, default=90, help="how long it lives (default 90)")
        parser.add_argument("--name", default="made on the command line")
        parser.add_argument("--min-confidence", type=float)
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"there is no account {options['user']}")
        try:
            plain = tokens.issue(
                user=user,
                name=options["name"],
                scopes=options["scope"],
                expires_in=timedelta(days=options["days"]),
                min_confidence=options["min_confidence"],
                actor="command line",
            )
        except DomainError as exc:
            raise CommandError(exc.detail) from exc
        except OverflowError as exc:
            raise CommandError("that is too many days") from exc
        self.stdout.write(json.dumps({"token": plain}) if options["json"] else plain)

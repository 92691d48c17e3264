"""`manage.py demo leave`: from the demo to an empty installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.common.errors import DomainError
from apps.demo import leaving
from apps.embedded.errors import EmbeddedError

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Leave the demo: stop it, remove its data, and be ready for the first administrator."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["leave"])
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--with-all-accounts",
            action="store_true",
            help="also where people outside the demo have accounts",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"] and not self._sure():
            self.stdout.write("Nothing was changed.")
            return
        try:
            ran = leaving.leave(also_people=options["with_all_accounts"])
        except DomainError as error:
            raise CommandError(f"{error.detail} {error.remedy or ''}".strip()) from error
        except EmbeddedError as error:
            raise CommandError(str(error)) from error
        stopped = "What ran was stopped. " if ran else ""
        self.stdout.write(
            f"{stopped}The demo is gone. Start with `manage.py up`: it prints the link that makes the first "
            "administrator."
        )

    def _sure(self) -> bool:
        self.stdout.write("This removes everything in this installation, the demo and what was added to it.")
        return input("Type leave to go on: ").strip() == "leave"

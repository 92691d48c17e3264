"""`manage.py person_create`: make a person or a service account, with roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import people
from apps.accounts.models import Role
from apps.common.errors import DomainError
from apps.embedded import database

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Make a person (or, with --service, a service account) with roles. Tokens: manage.py token_issue."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--role", action="append", default=[], choices=Role.values, help="repeat for several"
        )
        parser.add_argument("--service", action="store_true", help="an account of a program, not of a person")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with database.running():
                person = people.create_person(
                    username=options["username"],
                    email=options["email"],
                    roles=options["role"],
                    is_service=options["service"],
                    actor="command line",
                )
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{person.username}: {', '.join(sorted(person.roles())) or 'no roles'}")

"""`manage.py role_grant`: give a person roles, or take them away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError

from apps.accounts import roles
from apps.accounts.models import Role
from apps.common.errors import DomainError
from apps.embedded import database

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    help = "Give a person roles, or take them away with --revoke."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("role", nargs="+", choices=Role.values)
        parser.add_argument("--revoke", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        change = roles.revoke if options["revoke"] else roles.grant
        try:
            with database.running():
                held = change(username=options["username"], roles=options["role"], actor="command line")
        except DomainError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{options['username']}: {', '.join(held) or 'no roles'}")

"""Makers for the tests of actions: people, a directory of insights that stands in for the room above."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.accounts.models import Role
from apps.actions import services
from tests.people import make_person

if TYPE_CHECKING:
    from datetime import date

    from apps.accounts.models import User
    from apps.actions.models import ActionItem

_numbers = itertools.count(1)


def somebody(*roles: str) -> User:
    return make_person(f"colleague{next(_numbers)}", *(roles or (Role.RESPONDER,)))


def in_days(days: int) -> date:
    return timezone.now().date() + timedelta(days=days)


def opened(**changes: Any) -> ActionItem:
    owner = changes["owner"] if "owner" in changes else somebody()
    values: dict[str, Any] = {
        "title": "Move the batch to a replica",
        "owner": owner,
        "due_on": in_days(14),
        "created_by": owner,
    }
    return services.open_action(**{**values, **changes})

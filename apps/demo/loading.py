"""Loads the demo: people, telemetry, incidents, reviews, insights in every state, releases and actions.

Everything goes through the services that people use, so loading it tests them too. What takes long (serving a
release, measuring an action) is done by the worker afterwards, as in any installation.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.accounts.models import User
from apps.audit import outbox
from apps.audit.models import Outbox, OutboxState
from apps.embedded.errors import EmbeddedError
from apps.telemetry.demo import load_demo_telemetry
from apps.telemetry.generate import generate
from apps.telemetry.reading import to_us

from . import cast, detecting, knowledge, lessons, reviews, shop_incidents
from .models import DemoInstallation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime


class OccupiedError(EmbeddedError):
    """People work in this installation already."""


def load(*, end: datetime | None = None) -> dict[str, str]:
    """Load what is missing and return a fresh token for each part of the cast.

    The story is told once: a second start of the demo changes nothing but the tokens, since the plain text of
    a token is never kept. Telemetry ends at `end` (now).

    Raises:
        OccupiedError: there are accounts, and no demo yet: anybody could sign in as its administrator.
    """
    if not DemoInstallation.objects.exists() and User.objects.exists():
        raise OccupiedError(
            "This installation has accounts of its own, and in a demo anybody may sign in as its people.",
            "Start without --demo, or name another folder in AFTERCAST_DATA.",
        )
    installation = DemoInstallation.objects.get_or_create(pk=1)[0]
    people = cast.assemble()
    if not installation.told:
        moment = end or timezone.now()
        with _quietly():
            load_demo_telemetry(end=moment, by=people["kim"], with_incidents=False)
            _tell(people, moment)
        DemoInstallation.objects.filter(pk=1).update(told=True)
    return cast.fresh_tokens(people)


def settled() -> bool:
    """Whether the worker has done what the story asked for: releases published, effects measured.

    What is to be tried again later, or waits for its day, does not count.
    """
    open_states = [OutboxState.PENDING, OutboxState.CLAIMED]
    asked = Outbox.objects.filter(state__in=open_states, not_before__lte=Now())
    return not asked.exists()


@contextmanager
def _quietly() -> Iterator[None]:
    """Without a log line for each incident of the past: they would hide the address that is printed next."""
    logger = logging.getLogger("apps")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


@transaction.atomic
def _tell(people: dict[str, User], moment: datetime) -> None:
    """All or nothing: a start that breaks off half-way is told again from the beginning."""
    shop = generate(end_us=to_us(moment))
    incidents = shop_incidents.declare_all(shop, by=people["robin"])
    shop_incidents.declare_others(by=people["robin"], moment=moment)
    knowledge.load(author=people["alex"])
    written = reviews.file_all(incidents, authors=(people["robin"], people["jo"]))
    detecting.report_past([generated.series_id for generated in shop], people[cast.DETECTOR])
    lessons.tell(written, people)
    outbox.add(kind=detecting.KIND, key="first")

"""Shadow runs under rivals: one run of two starts, one reading and one finding of two readers."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Role
from apps.common.errors import DomainError
from apps.insights.models import Finding, ShadowReading, ShadowRun
from apps.insights.services import observing
from tests.insights.making import person
from tests.insights.test_shadow import DAYS, begin, lesson, live

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.unit, pytest.mark.django_db(transaction=True)]


def at_once(*deeds: Callable[[], object]) -> list[object]:
    """What each deed gave, or the error that refused it."""
    gate, given = threading.Barrier(len(deeds)), []

    def run(deed: Callable[[], object]) -> None:
        try:
            gate.wait()
            given.append(deed())
        except DomainError as error:
            given.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_of_two_people_who_start_at_once_one_does() -> None:
    insight, first, second = lesson(), person(Role.REVIEWER), person(Role.OPERATOR)
    given = at_once(lambda: begin(insight, first), lambda: begin(insight, second))
    assert ShadowRun.objects.count() == 1
    (error,) = (one for one in given if isinstance(one, DomainError))
    assert error.code == "shadow_running"


def test_two_workers_at_once_read_each_day_and_judge_once() -> None:
    live()
    run = begin(lesson())
    now = timezone.now() + timedelta(days=DAYS + 1.2)
    at_once(*[lambda: observing.observe(run.pk, now=now)] * 2)
    days = list(ShadowReading.objects.values_list("service", "day"))
    assert len(days) == len(set(days)) == 2 * (DAYS + 1)
    assert Finding.objects.count() == 1
    run.refresh_from_db()
    assert run.outcome == "improved"

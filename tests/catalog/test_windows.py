"""Protected windows: what they cover, when the next free moment is, who keeps them, page and API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.accounts.models import Role, User
from apps.audit.models import AuditRecord
from apps.catalog import services, windows
from apps.catalog.models import ProtectedWindow
from apps.common.errors import ForbiddenError, InvalidInputError
from tests.people import api_of, make_person
from tests.reading import signed_in, text_of

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

MONDAY = datetime(2027, 1, 4, tzinfo=UTC)  # no test depends on the clock
HOUR = timedelta(hours=1)


@pytest.fixture
def kim() -> User:
    return make_person("kim", Role.OPERATOR)


def add(kim: User, **words: Any) -> ProtectedWindow:
    return services.add_window(
        **{"reason": "Sale", "start_at": MONDAY, "end_at": MONDAY + HOUR, "actor": kim, **words}
    )


def at(*moments: datetime) -> Any:
    return np.array([(moment - windows.EPOCH) // windows.MICROSECOND for moment in moments], dtype=np.int64)


def test_a_stretch_covers_its_start_and_not_its_end(kim):
    window = add(kim)
    moments = at(MONDAY - timedelta(microseconds=1), MONDAY, MONDAY + HOUR - timedelta(microseconds=1))
    assert windows.mask([window], moments).tolist() == [False, True, True]
    assert windows.covering([window], MONDAY + HOUR) is None


def test_the_next_free_moment_leads_through_windows_that_touch(kim):
    services.ensure_service("checkout")
    add(kim)
    add(kim, start_at=MONDAY + HOUR, end_at=MONDAY + 3 * HOUR, service="checkout")
    of_checkout, of_cart = windows.of(["checkout"]), windows.of(["cart"])
    assert windows.next_free(of_checkout, MONDAY) == MONDAY + 3 * HOUR
    assert windows.next_free(of_cart, MONDAY) == MONDAY + HOUR
    assert windows.next_free(of_cart, MONDAY - HOUR) == MONDAY - HOUR


def test_a_rule_protects_again_and_again_until_it_is_ended(kim):
    rule = add(
        kim, start_at=MONDAY - timedelta(days=30), end_at=None, rrule="FREQ=WEEKLY;BYDAY=MO;BYHOUR=8",
        duration_min=90,
    )  # fmt: skip
    morning = MONDAY + 8 * HOUR
    assert windows.covering([rule], morning + HOUR) == rule
    assert windows.next_free([rule], morning + HOUR) == morning + 1.5 * HOUR
    assert windows.covering([rule], morning + timedelta(days=1)) is None
    assert windows.covering([rule], morning - timedelta(days=35)) is None
    rule.ended_at = morning + timedelta(minutes=10)
    assert windows.mask([rule], at(morning, morning + HOUR)).tolist() == [True, False]


def test_without_a_free_moment_within_a_year_there_is_none(kim):
    window = add(kim, end_at=MONDAY + timedelta(days=800))
    assert windows.next_free([window], MONDAY) is None


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ({"service": "nobody"}, "service"),
        ({"service": "a\0"}, "service"),
        ({"end_at": MONDAY}, "end_at"),
        ({"end_at": None}, "end_at"),
        ({"start_at": None}, "start_at"),
        ({"start_at": datetime(1999, 1, 1, tzinfo=UTC)}, "start_at"),
        ({"end_at": datetime(2200, 1, 1, tzinfo=UTC)}, "end_at"),
        ({"rrule": "FREQ=SOMETIMES", "duration_min": 60}, "rrule"),
        ({"rrule": "FREQ=DAILY"}, "duration_min"),
        ({"rrule": "FREQ=DAILY", "duration_min": 0}, "duration_min"),
        ({"rrule": "FREQ=DAILY", "duration_min": 1441}, "duration_min"),
        ({"rrule": "FREQ=DAILY", "duration_min": 1440}, "duration_min"),  # it would never end
        ({"duration_min": 60}, "duration_min"),
        ({"reason": " … "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\0"}, "reason"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_kept(kim, words, field):
    with pytest.raises(InvalidInputError) as refused:
        add(kim, **words)
    assert refused.value.field == field
    assert not ProtectedWindow.objects.exists()


def test_only_operators_and_administrators_keep_them():
    robin = make_person("robin", Role.RESPONDER, Role.REVIEWER)
    with pytest.raises(ForbiddenError):
        add(robin)
    window = add(make_person("ada", Role.ADMIN))
    with pytest.raises(ForbiddenError):
        services.end_window(window_id=window.pk, actor=robin)
    assert AuditRecord.objects.filter(object_type="protected_window").count() == 1


def test_it_is_ended_once_and_what_it_said_stays(kim):
    window = add(kim, end_at=timezone.now() + timedelta(days=900))
    services.end_window(window_id=window.pk, actor=kim)
    with pytest.raises(services.WindowEndedError):
        services.end_window(window_id=window.pk, actor=kim)
    for change in ({"ended_at": None, "ended_by": None}, {"reason": "Other"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            ProtectedWindow.objects.filter(pk=window.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        ProtectedWindow.objects.filter(pk=window.pk).delete()
    other = add(kim)
    with pytest.raises(DatabaseError), transaction.atomic():
        ProtectedWindow.objects.filter(pk=other.pk).update(start_at=MONDAY - HOUR)


class TestNextFree(TestCase):
    @given(
        spans=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90)), max_size=8),
        start=st.integers(0, 500),
    )
    @settings(max_examples=60, deadline=None)
    def test_is_the_first_moment_outside_of_all(self, spans, start):
        held = [
            ProtectedWindow(
                start_at=MONDAY + timedelta(minutes=first), end_at=MONDAY + timedelta(minutes=first + length)
            )
            for first, length in spans
        ]
        inside = [any(first <= minute < first + length for first, length in spans) for minute in range(1500)]
        wanted = next(minute for minute in range(start, 1500) if not inside[minute])
        found = windows.next_free(held, MONDAY + timedelta(minutes=start))
        assert found == MONDAY + timedelta(minutes=wanted)


# --- page and API -------------------------------------------------------------------------------
def test_the_page_lists_adds_and_ends(kim):
    services.ensure_service("checkout")
    browser = signed_in(kim)
    assert "Nothing is protected" in text_of(browser.get("/protected-windows"))
    form = {
        "service": "checkout", "reason": "Christmas sale", "start_at": "2026-12-20T00:00",
        "end_at": "2099-12-27T00:00", "rrule": "", "duration_min": "",
    }  # fmt: skip
    answer = browser.post("/protected-windows", form, follow=True)
    shown = text_of(answer)
    assert "checkout : Christmas sale" in shown
    assert "2026-12-20 00:00 UTC to 2099-12-27 00:00 UTC" in shown
    assert "Approvals and releases are not affected" in shown
    window = ProtectedWindow.objects.get()
    shown = text_of(browser.post(f"/protected-windows/{window.pk}/end", follow=True))
    assert "ended by kim" in shown
    assert "It protects nothing from now on" in shown


def test_the_page_names_what_is_wrong_and_keeps_what_was_typed(kim):
    form = {
        "reason": "Monday peak", "rrule": "FREQ=WEEKLY;BYDAY=XX", "duration_min": "60", "service": "",
        "start_at": "", "end_at": "",
    }  # fmt: skip
    answer = signed_in(kim).post("/protected-windows", form)
    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "BYDAY must be weekdays" in shown
    assert "Monday peak" in shown
    assert "BYDAY=XX" in shown


def test_readers_see_the_list_without_a_form(kim):
    add(kim)
    shown = text_of(signed_in(make_person("vic")).get("/protected-windows"))
    assert "the whole fleet : Sale" in shown
    assert "Protect it" not in shown


def test_the_list_costs_the_same_however_long_it_is(kim):
    browser = signed_in(kim)

    def cost() -> int:
        with CaptureQueriesContext(connection) as counted:
            assert browser.get("/protected-windows").status_code == 200
        return len(counted)

    add(kim)
    cost()
    few = cost()
    for _ in range(12):
        services.end_window(window_id=add(kim).pk, actor=kim)
    assert cost() == few


def test_the_api_adds_lists_and_ends_and_names_the_field(kim):
    services.ensure_service("checkout")
    api = api_of(kim)
    draft = {"service": "checkout", "rrule": "FREQ=DAILY;BYHOUR=8", "duration_min": 30, "reason": "Peak"}
    added = api.send("POST", "/api/v1/protected-windows", draft, key="one")
    assert added.status_code == 201, added.content
    again = api.send("POST", "/api/v1/protected-windows", draft, key="one")
    assert again.json() == added.json()
    (listed,) = api.get("/api/v1/protected-windows").json()["items"]
    assert listed == added.json()
    assert (listed["service"], listed["duration_min"], listed["created_by"]) == ("checkout", 30, "kim")
    ended = api.send("POST", f"/api/v1/protected-windows/{listed['id']}/end")
    assert ended.json()["ended_by"] == "kim"
    assert api.send("POST", f"/api/v1/protected-windows/{listed['id']}/end").json()["code"] == "window_ended"
    assert api.send("POST", "/api/v1/protected-windows/999/end").status_code == 404
    refused = api.send("POST", "/api/v1/protected-windows", {**draft, "duration_min": 0})
    assert refused.status_code == 422
    assert "duration_min" in refused.content.decode()

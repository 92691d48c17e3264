"""The editor: prefilled from a recommendation, previewed, proposed, revised; and everything typed wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Role
from apps.insights import services
from apps.insights.models import Insight, Revision
from apps.telemetry.registry import ensure_series
from tests.insights.making import draft, person, propose
from tests.insights.test_gate import SERIES, load
from tests.postmortems.making import filed

pytestmark = [pytest.mark.page, pytest.mark.django_db]

NEW = "/insights/new"


@pytest.fixture
def author():
    return person(Role.RESPONDER)


@pytest.fixture
def client(author):
    client = Client()
    client.force_login(author)
    return client


def typed(**changes):
    """A complete form, from a document kept elsewhere."""
    ensure_series(SERIES)
    return {
        "title": "Alarm later",
        "recommendation": "Raise the threshold.",
        "scope_kind": "series",
        "scope_series": [SERIES],
        "confidence": "0.8",
        "source_kind": "outside",
        "document": "https://wiki.example/runbook",
        "excerpt": "the words",
        "sha256": "a" * 64,
        "first_line": "1",
        "last_line": "3",
        "use_theta_scale": "on",
        "theta_log2": "1",
        **changes,
    }


def text_of(response):
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.content.decode())))


def test_a_recommendation_fills_the_form_and_becomes_an_insight(client, author):
    load()
    review = filed(author)
    one = review.recommendations.get()
    page = client.get(f"{NEW}?recommendation={one.pk}")
    assert page.status_code == 200
    assert one.text in text_of(page)
    form = page.context["form"]
    sent = typed(
        source_kind="postmortem",
        postmortem=str(review.pk),
        first_line=str(form["first_line"].value()),
        last_line=str(form["last_line"].value()),
    )
    answer = client.post(f"{NEW}?recommendation={one.pk}", sent)
    revision = Revision.objects.get()
    assert answer.url == f"/insights/{revision.insight_id}"
    assert revision.document == f"postmortem:{review.pk}"
    assert one.text in revision.excerpt
    assert revision.signals.get().columns == {"theta_log2": 1.0}
    assert revision.confidence == 0.8


def test_lines_of_a_postmortem_and_a_document_elsewhere(client, author):
    review = filed(author)
    page = client.get(f"{NEW}?postmortem={review.pk}&first=2&last=3")
    assert [page.context["form"][name].value() for name in ("first_line", "last_line")] == [2, 3]
    assert client.get(NEW).status_code == 200
    assert client.post(NEW, typed(sha256="")).status_code == 302
    assert len(Revision.objects.get().sha256) == 64


SIGNALS = [
    ({"use_direction": "on", "direction": "up"}, {"direction": "up"}),
    ({"use_min_effect": "on", "min_rel": "50", "min_abs": "20"}, {"min_rel": 0.5, "min_abs": 20.0}),
    ({"use_persistence": "on", "persist_k": "2", "persist_n": "3"}, {"persist_k": 2, "persist_n": 3}),
    ({"use_baseline": "on", "baseline": "weekly"}, {"baseline": "weekly"}),
    ({"use_hard_limit": "on", "hard_hi": "95"}, {"hard_hi": 95.0}),
    (
        {
            "use_suppress": "on", "suppress_days": ["MO", "SA"], "suppress_time": "02:30",
            "suppress_minutes": "60", "suppress_reason": "batch",
        },
        {
            "suppress_json": '{"duration_s":3600,"reason":"batch",'
            '"rrule":"FREQ=WEEKLY;BYDAY=MO,SA;BYHOUR=2;BYMINUTE=30"}'
        },
    ),
    (
        {"use_calendar_exception": "on", "calendar_dates": "2026-12-25, 2026-12-24",
         "calendar_expect": "scale", "calendar_scale": "2"},
        {"calendar_json": '{"dates":["2026-12-24","2026-12-25"],"expectation":{"scale":2.0}}'},
    ),
    (
        {"use_calendar_exception": "on", "calendar_rule": "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25",
         "calendar_expect": "other_day_type"},
        {
            "calendar_json": '{"expectation":"other_day_type",'
            '"rrule":"FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=25"}'
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "columns"), SIGNALS)
def test_each_kind_is_filed_and_comes_back_for_revision(client, author, fields, columns):
    assert client.post(NEW, typed(use_theta_scale="", **fields)).status_code == 302
    insight = Insight.objects.get()
    assert Revision.objects.get().signals.get().columns == columns
    form = client.get(f"/insights/{insight.pk}/revise").context["form"]
    for name, value in fields.items():
        if name != "calendar_dates":
            shown = form[name].value()
            assert (shown if isinstance(shown, list) else str(shown).removesuffix(".0")) in (
                value, "True" if value == "on" else value
            )  # fmt: skip
    again = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert client.post(f"/insights/{insight.pk}/revise", again).status_code == 302
    assert Revision.objects.get(number=2).signals.get().columns == columns


WRONG = [
    ({"title": ""}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"title": "a\x00b"}, "title"),
    ({"recommendation": " "}, "recommendation"),
    ({"recommendation": "x" * 5001}, "recommendation"),
    ({"scope_kind": "planet"}, "scope_kind"),
    ({"scope_series": []}, "scope_series"),
    ({"scope_series": ["no/such"]}, "scope_series"),
    ({"scope_series": ["a\x00/b"]}, "scope_series"),
    ({"scope_kind": "service"}, "scope_service"),
    ({"scope_kind": "service", "scope_service": "nowhere"}, "scope_service"),
    ({"scope_kind": "metric_family", "scope_service": "checkout"}, "scope_family"),
    ({"confidence": "2"}, "confidence"),
    ({"confidence": ""}, "confidence"),
    ({"expires_on": "2020-01-01"}, "expires_on"),
    ({"expires_on": "soon"}, "expires_on"),
    ({"document": ""}, "document"),
    ({"document": "x" * 501}, "document"),
    ({"document": "postmortem:1"}, "document"),
    ({"sha256": "xyz"}, "sha256"),
    ({"first_line": "0"}, "first_line"),
    ({"first_line": "9", "last_line": "3"}, "last_line"),
    ({"last_line": "many"}, "last_line"),
    ({"theta_log2": ""}, "theta_log2"),
    ({"theta_log2": "3.5"}, "theta_log2"),
    ({"theta_log2": "nan"}, "theta_log2"),
    ({"theta_log2": "lots"}, "theta_log2"),
    ({"use_direction": "on"}, "direction"),
    ({"use_direction": "on", "direction": "sideways"}, "direction"),
    ({"use_min_effect": "on"}, "min_rel"),
    ({"use_min_effect": "on", "min_abs": "-1"}, "min_abs"),
    ({"use_persistence": "on", "persist_k": "3", "persist_n": "2"}, "persist_k"),
    ({"use_persistence": "on", "persist_k": "3"}, "persist_n"),
    ({"use_baseline": "on", "baseline": "monthly"}, "baseline"),
    ({"use_hard_limit": "on"}, "hard_lo"),
    ({"use_hard_limit": "on", "hard_lo": "5", "hard_hi": "1"}, "hard_lo"),
    ({"use_suppress": "on", "suppress_time": "02:00", "suppress_minutes": "60"}, "suppress_reason"),
    ({"use_suppress": "on", "suppress_time": "25:00", "suppress_minutes": "5"}, "suppress_time"),
    (
        {"use_suppress": "on", "suppress_rule": "FREQ=SECONDLY", "suppress_minutes": "5",
         "suppress_reason": "x"},
        "suppress_rule",
    ),
    (
        {"use_suppress": "on", "suppress_time": "02:00", "suppress_minutes": "1000", "suppress_reason": "x"},
        "suppress_rule",
    ),
    (
        {"use_suppress": "on", "suppress_time": "02:00", "suppress_minutes": "1500", "suppress_reason": "x"},
        "suppress_minutes",
    ),
    ({"use_calendar_exception": "on", "calendar_expect": "other_day_type"}, "calendar_dates"),
    ({"use_calendar_exception": "on", "calendar_dates": "2026-12-24"}, "calendar_expect"),
    (
        {"use_calendar_exception": "on", "calendar_dates": "Xmas", "calendar_expect": "other_day_type"},
        "calendar_dates",
    ),
    (
        {"use_calendar_exception": "on", "calendar_dates": "2026-12-24", "calendar_expect": "scale",
         "calendar_scale": "99"},
        "calendar_scale",
    ),
    ({"use_theta_scale": ""}, "prose_reason"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field"), WRONG)
def test_what_is_wrong_is_said_at_its_field_and_nothing_typed_is_lost(client, changes, field):
    answer = client.post(NEW, typed(**changes) | {"prose_reason": changes.get("prose_reason", "")})
    assert answer.status_code == 422
    form = answer.context["form"]
    assert list(form.errors) == [field]
    message = form.errors[field][0]
    assert message in text_of(answer)
    assert "https://wiki.example/runbook" in answer.content.decode() or "document" in changes
    assert Insight.objects.count() == 0


def test_a_foreign_postmortem_is_not_found(client):
    assert client.get(f"{NEW}?postmortem=999999").status_code == 404
    assert client.get(f"{NEW}?recommendation=1e3").status_code == 404
    assert client.get(f"{NEW}?recommendation={'9' * 40}").status_code == 404
    answer = client.post(NEW, typed(source_kind="postmortem", postmortem="999999"))
    assert answer.status_code == 404


def test_prose_needs_a_reason_and_then_is_enough(client):
    assert client.post(NEW, typed(use_theta_scale="", prose_reason="No metric shows it.")).status_code == 302
    assert Revision.objects.get().prose_reason == "No metric shows it."


def test_the_preview_is_a_part_for_htmx_and_a_page_without(client):
    load()
    sent = typed(use_theta_scale="", use_min_effect="on", min_rel="150", do="preview", title="")
    part = client.post(NEW, sent, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.content.decode()
    words = text_of(part)
    assert "The gate: passed" in words
    assert "Incidents caught, of 2" in words
    assert "1 series" in words
    whole = client.post(NEW, sent)
    assert whole.status_code == 200
    assert "The gate: passed" in text_of(whole)
    assert Insight.objects.count() == 0


def test_a_preview_of_nonsense_says_so(client):
    load()
    part = client.post(NEW, typed(theta_log2="9", do="preview"), headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "between -2 and 3" in text_of(part)
    assert client.post(NEW, typed(theta_log2="9", do="preview")).status_code == 422


def test_a_suggestion_is_taken_with_one_click(client):
    load()
    part = client.post(NEW, typed(use_theta_scale="", do="preview"), headers={"HX-Request": "true"})
    value = part.context["suggestions"][0][1]
    taken = client.post(NEW, typed(use_theta_scale="", take=value, title="Kept"))
    form = taken.context["form"]
    assert form[f"use_{value.split(':')[0]}"].value()
    assert form["title"].value() == "Kept"
    assert "The gate: passed" in text_of(taken)
    assert client.post(NEW, typed(take="theta_scale:{{{")).status_code == 200


def test_two_people_revise_and_the_second_is_told(client, author):
    insight = propose(author)
    form = client.get(f"/insights/{insight.pk}/revise").context["form"]
    assert form["seen"].value() == 1
    other = person(Role.REVIEWER)
    services.revise_insight(insight_id=insight.pk, draft=draft(other, title="Theirs"), author=other, seen=1)
    sent = typed(seen="1", title="Mine")
    told = client.post(f"/insights/{insight.pk}/revise", sent)
    assert told.status_code == 422
    assert other.username in text_of(told)
    assert told.context["form"]["title"].value() == "Mine"
    again = client.post(
        f"/insights/{insight.pk}/revise", sent | {"seen": told.context["form"]["seen"].value()}
    )
    assert again.status_code == 302
    assert Revision.objects.get(insight=insight, number=3).title == "Mine"
    assert client.post(f"/insights/{insight.pk}/revise", typed(seen="")).status_code == 422


def test_a_revision_keeps_what_was_said(client, author):
    expiry = timezone.now() + timedelta(days=30)
    insight = propose(author, confidence=0.72, expires_at=expiry)
    page = client.get(f"/insights/{insight.pk}/revise")
    form = page.context["form"]
    assert form["confidence"].value() == "0.72"
    assert "0.72 · as in the revision before" in text_of(page)
    assert form["expires_on"].value() == expiry.date()
    assert client.get("/insights/999999/revise").status_code == 404


def test_the_form_asks_as_often_for_many_series_as_for_few(client, django_assert_max_num_queries):
    ensure_series("checkout/a")
    with django_assert_max_num_queries(30) as few:
        client.get(NEW)
    for number in range(12):
        ensure_series(f"checkout/many{number}")
    with django_assert_max_num_queries(30) as many:
        client.get(NEW)
    assert len(few) == len(many)

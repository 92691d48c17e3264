"""Fields say what is wrong where it is wrong, and the frame knows who looks at it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings
from django.urls import ResolverMatch

from apps.common.errors import DomainError
from apps.ui.context import PLACES, present_place, shown_places
from apps.ui.forms import add_domain_error
from tests.ui.gallery import ReviewForm

pytestmark = pytest.mark.unit


def drawn(template: str, **context: Any) -> str:
    return " ".join(render_to_string(f"components/{template}.html", context).split())


def wrong() -> ReviewForm:
    return ReviewForm({"title": "<b>" + "x" * 30, "narrative": "Typed, and kept."})


def test_a_field_is_tied_to_its_hint_and_error() -> None:
    html = " ".join(str(wrong()["title"].as_field_group()).split())
    assert 'aria-describedby="id_title_helptext id_title_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_title_helptext">What happened, in a few words.' in html
    assert 'id="id_title_error"' in html
    assert '<span class="visually-hidden">Error:</span>' in html
    assert 'value="&lt;b&gt;x' in html


def test_groups_are_fieldsets_and_what_may_be_empty_says_so() -> None:
    form = wrong()
    triggers = " ".join(str(form["triggers"].as_field_group()).split())
    assert triggers.startswith("<fieldset")
    assert 'aria-describedby="id_triggers_helptext id_triggers_error"' in triggers
    assert "<legend" in triggers
    assert "(optional)" not in triggers
    assert "(optional)" in str(form["narrative"].as_field_group())
    drill = str(form["is_drill"].as_field_group())
    assert drill.index("<input") < drill.index("<label")
    assert "(optional)" not in drill


def test_the_summary_links_to_the_fields() -> None:
    form = wrong()
    form.add_error(None, "Somebody else changed this.")
    html = drawn("error_summary", form=form)
    assert 'role="alert"' in html
    assert "Somebody else changed this." in html
    assert '<a href="#id_title">' in html
    assert '<a href="#id_triggers">' in html
    assert 'id="id_triggers"' in str(form["triggers"])
    assert "There is a problem" not in drawn("error_summary", form=ReviewForm())


def test_a_whole_form_has_summary_and_fields() -> None:
    html = str(wrong())
    assert "There is a problem" in html
    assert "Typed, and kept." in html


def test_a_service_refusal_stands_at_its_field() -> None:
    form = ReviewForm({"title": "x"})
    form.is_valid()
    add_domain_error(form, DomainError("No such service.", field="service", remedy="Choose one."))
    add_domain_error(form, DomainError("Too late.", field="elsewhere"))
    assert "No such service. Choose one." in form.errors["service"]
    assert form.non_field_errors() == ["Too late."]


def test_states_have_words_and_a_tone() -> None:
    html = drawn("status", state="in_review")
    assert "tone-warn" in html
    assert ">in review</span>" in html
    assert ">Waiting</span>" in drawn("status", state="in_review", label="Waiting")


def test_people_who_left_are_named_as_such() -> None:
    person = SimpleNamespace(username="bo", name="bo", is_active=False)
    assert "(deactivated)" in drawn("person", person=person)
    assert "nobody" in drawn("person", person=None)


def test_the_end_of_a_list_has_no_pager() -> None:
    assert "<nav" not in drawn("pager", next_url=None)
    assert 'rel="next"' in drawn("pager", next_url="?cursor=x")


def test_the_server_error_page_needs_nothing() -> None:
    assert "Something broke here" in render_to_string("500.html")


def test_refusals_give_their_reason() -> None:
    html = render_to_string("403.html", {"exception": "This needs the role Admin."})
    assert "This needs the role Admin." in html


@override_settings(ROOT_URLCONF="tests.ui.gallery", FRAME_EXTRAS=[])
@pytest.mark.parametrize(
    ("namespace", "name", "label"),
    [
        ("insights", "detail", "Insights"),
        ("insights", "queue", "Review"),
        ("dashboards", "service", "Services"),
        ("accounts", "me", None),
    ],
)
def test_the_present_place_is_marked(namespace: str, name: str, label: str | None) -> None:
    request = RequestFactory().get("/")
    request.resolver_match = ResolverMatch(print, (), {}, name, None, [namespace])
    found = present_place(request)
    assert (found and found.label) == label
    assert [place.label for place in shown_places(request) if place.current] == ([label] if label else [])
    assert len(shown_places(request)) == len(PLACES)


def test_keys_of_places_are_unique() -> None:
    assert len({place.key for place in PLACES} | {"g"}) == len(PLACES) + 1


@override_settings(ROOT_URLCONF="tests.ui.gallery")
def test_only_administrators_see_their_pages() -> None:
    for roles, shown in (({"admin"}, True), ({"viewer"}, False)):
        user = SimpleNamespace(username="ann", name="Ann", email="", roles=roles)
        assert ("Teams" in drawn("person_menu", user=user)) is shown

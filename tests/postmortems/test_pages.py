from __future__ import annotations

import json
from datetime import UTC, datetime
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from apps.incidents.metrics import TimeValue
from apps.postmortems import content, services
from apps.postmortems.models import Draft, Postmortem
from tests.people import make_person
from tests.postmortems.making import LABELS, data, drafted, filed, form, incident

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.page, pytest.mark.django_db]


@pytest.fixture
def ann() -> User:
    return make_person("ann", "responder")


@pytest.fixture
def web(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def address(draft: Draft, step: str) -> str:
    return f"/postmortems/drafts/{draft.pk}/{step}"


def save(web: Client, draft: Draft, step: str, **changes: Any) -> Any:
    draft.refresh_from_db()
    return web.post(address(draft, step), form(draft, step, **changes))


def test_the_list_shows_newest_versions_and_my_drafts(web: Client, ann: User) -> None:
    old = filed(ann)
    new = filed(ann, title="Pool ran full, amended", amends_id=old.pk)
    drafted(ann, title="Half written")
    page = web.get("/postmortems").content.decode()
    assert f'href="/postmortems/{new.pk}"' in page
    assert f'href="/postmortems/{old.pk}"' not in page
    assert "Resume: Half written" in page


def test_the_form_leads_from_empty_to_filed(web: Client, ann: User) -> None:
    answer = web.post("/postmortems/new")
    draft = Draft.objects.get()
    assert answer.headers["Location"] == address(draft, "what")
    whole = drafted(ann).data
    for step, following in [
        ("what", "timeline"),
        ("timeline", "labels"),
        ("labels", "findings"),
        ("findings", "actions"),
        ("actions", "preview"),
    ]:
        assert web.get(address(draft, step)).status_code == 200
        answer = web.post(address(draft, step), {**form(Draft(data=whole), step), "base": "{}", "go": "next"})
        assert answer.status_code == 302, answer.content.decode()
        assert answer.headers["Location"] == address(draft, following)
    assert "File the postmortem" in web.get(address(draft, "preview")).content.decode()
    answer = web.post(address(draft, "preview"), {"go": "file"})
    row = Postmortem.objects.get()
    assert answer.headers["Location"] == f"/postmortems/{row.pk}"
    draft.refresh_from_db()
    assert (draft.state, draft.filed_as) == ("filed", row)
    page = web.get(f"/postmortems/{row.pk}").content.decode()
    for text in ("The pool was full.", "Because of", "Configuration error", row.sha256, 'id="L1"'):
        assert text in page


def test_a_draft_begins_with_what_the_incident_says(web: Client, ann: User) -> None:
    times = {
        "impact_start": TimeValue("recorded", datetime(2026, 11, 1, 14, 2, tzinfo=UTC), "graph", "minute"),
        "detected": TimeValue("pending"),
        "resolved": TimeValue("recorded", datetime(2026, 11, 1, 15, tzinfo=UTC), "", "hour"),
    }
    row = incident(ann, times=times, summary="Nobody could pay.")
    assert "Checkout down" in web.get(f"/postmortems/new?incident={row.pk}").content.decode()
    web.post("/postmortems/new", {"incident": row.pk})
    draft = Draft.objects.get()
    found = draft.data
    assert (draft.incident, found["title"], found["service"]) == (row, "Checkout down", "checkout")
    assert [(entry["at"], entry["text"], entry["source"]) for entry in found["timeline"]] == [
        ("2026-11-01 14:02 UTC", "Impact started", "graph"),
        ("2026-11-01 15 UTC", "Resolved", ""),
    ]
    assert "Resume: Checkout down" in web.get(f"/postmortems/new?incident={row.pk}").content.decode()
    assert web.post("/postmortems/new", {"incident": 999}).status_code == 404


@pytest.mark.parametrize(
    ("step", "change", "anchor", "message"),
    [
        ("what", {"title": ""}, "id_title", "Give it a title."),
        ("what", {"title": "y" * 201}, "id_title", "It has 201 characters"),
        ("what", {"title": "a\x00b"}, "id_title", "NUL character in line 1"),
        ("what", {"service": "a/b"}, "id_service", "without slash or backslash"),
        ("what", {"kind": "party"}, "id_kind", "There is no choice"),
        ("what", {"incident": "4711"}, "id_incident", "There is no incident"),
        ("what", {"summary": "z" * 20_001}, "id_summary", "It has 20,001 characters"),
        ("timeline", {"timeline-ee-at": "yesterday"}, "id_timeline-ee-at", "Write the time as"),
        ("timeline", {"timeline-ee-at": "2999-01-01"}, "id_timeline-ee-at", "not come yet"),
        ("timeline", {"timeline-ee-text": ""}, "id_timeline-ee-text", "Say what happened then."),
        ("timeline", {"timeline-ee-kind": "joke"}, "id_timeline-ee-kind", "There is no choice"),
        ("labels", {"timing": "never"}, "field-timing", "There is no code"),
        ("labels", {"failure_mode": []}, "field-failure_mode", "Choose at least one."),
        ("labels", {"contributing_factor": []}, "id_no_human_factor_reason", "say why there is none"),
        ("findings", {"observations-aa-text": " "}, "id_observations-aa-text", "Say what was seen."),
        ("findings", {"recommendations-cc-cites": []}, "id_recommendations-cc-cites", "at least one"),
        ("findings", {"recommendations-cc-cites": ["foreign"]}, "id_recommendations-cc-cites", "foreign"),
        ("actions", {"actions-dd-owner": ""}, "id_actions-dd-owner", "An action needs one owner."),
        ("actions", {"actions-dd-due_on": "2020-01-01"}, "id_actions-dd-due_on", "has passed"),
    ],
)
def test_a_step_refuses_what_is_wrong_at_its_field_and_keeps_what_was_typed(  # noqa: PLR0917
    web: Client, ann: User, step: str, change: dict[str, Any], anchor: str, message: str
) -> None:
    action = {"id": "dd", "title": "Alarm", "owner": "ann", "due_on": "2026-12-24", "kind": "detect"}
    draft = drafted(ann, actions=[{**action, "metric": "", "direction": ""}])
    answer = save(web, draft, step, go="next", **change)
    page = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert message in page
    assert f'href="#{anchor}"' in page
    assert f'id="{anchor}"' in page
    for value in change.values():
        if isinstance(value, str) and value.strip() and step != "labels":
            assert value in page
    assert not Postmortem.objects.exists()


def test_what_is_missing_is_saved_all_the_same_and_any_step_can_be_reached(web: Client, ann: User) -> None:
    draft = drafted(ann)
    answer = save(web, draft, "what", title="", summary="Half a sen", go="findings")
    assert answer.headers["Location"] == address(draft, "findings")
    draft.refresh_from_db()
    assert (draft.data["title"], draft.data["summary"]) == ("", "Half a sen")
    page = web.get(address(draft, "preview")).content.decode()
    assert f'href="{address(draft, "what")}?check=1#id_title"' in page
    assert "File the postmortem" not in page
    assert web.post(address(draft, "preview"), {"go": "file"}).status_code == 422
    assert not Postmortem.objects.exists()


def test_rows_are_added_moved_and_removed_without_a_script(web: Client, ann: User) -> None:
    draft = drafted(ann)
    answer = save(web, draft, "findings", do="down:observations:aa")
    assert answer.headers["Location"].endswith("#row-observations-aa")
    draft.refresh_from_db()
    assert [row["id"] for row in draft.data["observations"]] == ["bb", "aa"]
    answer = save(web, draft, "findings", do="add:recommendations")
    draft.refresh_from_db()
    added = draft.data["recommendations"][1]["id"]
    assert answer.headers["Location"].endswith(f"#id_recommendations-{added}-text")
    save(web, draft, "findings", do="remove:observations:aa")
    draft.refresh_from_db()
    assert [row["id"] for row in draft.data["observations"]] == ["bb"]
    assert draft.data["recommendations"][0]["cites"] == ["bb"]


def test_pasted_lines_become_entries_in_their_order(web: Client, ann: User) -> None:
    draft = drafted(ann, timeline=[])
    pasted = "2026-11-01 14:10 second\nmore of it\n[2026-11-01T15:02:00+01:00] first\n"
    save(web, draft, "timeline", do="paste:timeline", pasted=pasted)
    draft.refresh_from_db()
    assert [(row["at"], row["text"]) for row in draft.data["timeline"]] == [
        ("2026-11-01 14:10", "second\nmore of it"),
        ("2026-11-01T15:02:00+01:00", "first"),
    ]


def test_an_amendment_begins_with_what_was_filed(web: Client, ann: User) -> None:
    old = filed(ann)
    web.post(f"/postmortems/{old.pk}/amend")
    draft = Draft.objects.get()
    assert draft.data["labels"] == content.empty("labels") | LABELS
    save(web, draft, "what", title="Better title", go="preview")
    web.post(address(draft, "preview"), {"go": "file"})
    new = Postmortem.objects.latest("pk")
    assert (new.amends, new.title) == (old, "Better title")
    assert [row.text for row in new.observations.all()] == [row.text for row in old.observations.all()]
    page = web.get(f"/postmortems/{old.pk}").content.decode()
    assert "There is a newer version" in page
    assert f'href="/postmortems/{new.pk}"' in page


def test_a_filed_draft_leads_to_its_review_and_a_discarded_one_is_gone(web: Client, ann: User) -> None:
    draft = drafted(ann)
    row = services.file_draft(draft_id=draft.pk, author=ann)
    assert web.get(address(draft, "what")).headers["Location"] == f"/postmortems/{row.pk}"
    other = drafted(ann)
    web.post(f"/postmortems/drafts/{other.pk}/discard")
    assert web.get(address(other, "what")).status_code == 404
    assert web.post(f"/postmortems/drafts/{draft.pk}/save", form(draft, "what", title="x")).status_code == 409


def test_two_editors_are_asked_only_where_both_changed_the_same(web: Client, ann: User) -> None:
    draft = drafted(ann)
    mine = form(draft, "what", title="Mine", service="search")
    bob = make_person("bob", "reviewer")
    theirs = {**content.part(draft.data, "what"), "title": "Theirs", "summary": "Theirs too"}
    base = content.part(draft.data, "what")
    services.save_draft(draft_id=draft.pk, step="what", mine=theirs, base=base, editor=bob)
    path = f"/postmortems/drafts/{draft.pk}/save"
    answer = web.post(path, mine)
    said = answer.json()
    assert (answer.status_code, said["code"], said["by"]) == (409, "conflict", "bob")
    assert said["conflicts"] == [{"name": "title", "label": "Title", "mine": "Mine", "theirs": "Theirs"}]
    assert said["taken"] == ["summary"]
    draft.refresh_from_db()
    assert (draft.data["title"], draft.data["service"]) == ("Theirs", "checkout")
    page = web.post(address(draft, "what"), {**mine, "go": "next"})
    text = page.content.decode()
    assert page.status_code == 409
    for word in ("bob changed this too", "Keep mine", "Take theirs", "Mine", "Theirs", "Theirs too"):
        assert word in text
    decided = {**mine, "summary": "Theirs too", "base": json.dumps(said["base"]), "keep.title": "theirs"}
    assert web.post(address(draft, "what"), {**decided, "go": "next"}).status_code == 302
    draft.refresh_from_db()
    assert (draft.data["title"], draft.data["service"]) == ("Theirs", "search")
    aside = draft.history.get(kind="set_aside")
    assert (aside.editor, aside.data["title"]) == (ann, "Mine")
    web.post(f"/postmortems/drafts/{draft.pk}/history", {"version": aside.pk})
    draft.refresh_from_db()
    assert draft.data["title"] == "Mine"


def test_a_save_says_who_wrote_what_was_merged_in(web: Client, ann: User) -> None:
    draft = drafted(ann)
    mine = form(draft, "what", title="Mine")
    bob = make_person("bob", "reviewer")
    base = content.part(draft.data, "what")
    services.save_draft(draft_id=draft.pk, step="what", mine={**base, "summary": "B"}, base=base, editor=bob)
    said = web.post(f"/postmortems/drafts/{draft.pk}/save", mine).json()
    assert (said["before"], said["taken"], said["base"]["summary"]) == ("bob", ["summary"], "B")
    assert said["base"]["title"] == "Mine"
    assert web.get(f"/postmortems/drafts/{draft.pk}/save").json()["version"] == said["version"]


@pytest.mark.parametrize("base", ["", "[]", "{", '{"title": 7, "kind": []}', '{"title": {"a": [1]}}'])
def test_a_base_that_is_none_never_breaks_a_save(web: Client, ann: User, base: str) -> None:
    draft = drafted(ann)
    answer = web.post(f"/postmortems/drafts/{draft.pk}/save", form(draft, "what", base=base))
    assert answer.status_code in {200, 409}


def test_a_save_of_what_cannot_be_kept_changes_nothing(web: Client, ann: User) -> None:
    draft = drafted(ann)
    path = f"/postmortems/drafts/{draft.pk}/save"
    answer = web.post(path, form(draft, "what", title="a\x00"))
    assert (answer.status_code, answer.json()["field"]) == (422, "title")
    assert web.post(path, {"step": "preview"}).status_code == 422
    draft.refresh_from_db()
    assert draft.data["title"] == data()["title"]


def test_the_longest_timeline_is_saved(web: Client, ann: User) -> None:
    draft = drafted(ann)
    entries = {
        f"timeline-e{number}-{column}": f"{column} {number}"
        for number in range(content.MAX_ROWS)
        for column in content.COLUMNS["timeline"]
    }
    ids = [f"e{number}" for number in range(content.MAX_ROWS)]
    posted = form(draft, "timeline") | entries | {"timeline-row": ids}
    assert web.post(f"/postmortems/drafts/{draft.pk}/save", posted).status_code == 200
    draft.refresh_from_db()
    assert len(draft.data["timeline"]) == content.MAX_ROWS


def test_drafts_are_for_those_who_write(ann: User) -> None:
    draft = drafted(ann)
    reader = Client()
    reader.force_login(make_person("eve", "viewer"))
    assert reader.get(address(draft, "what")).status_code == 403
    assert list(Draft.objects.visible_to(make_person("kim", "viewer"))) == []
    assert reader.get("/postmortems").status_code == 200


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", ["plain", "public", "dns", "config"]),
        ("failure_mode=dns", ["dns"]),
        ("trigger=config_push&service=checkout", ["public", "config"]),
        ("contributing_factor=handover_gap&q=pool+pay", ["public", "dns", "config"]),
        ("origin=public", ["public"]),
        ("origin=own", ["plain", "dns", "config"]),
        ("q=nowhere", []),
    ],
)
def test_the_list_is_filtered(web: Client, ann: User, query: str, titles: list[str]) -> None:
    filed(ann, title="config")
    filed(ann, title="dns", service="search", labels={**LABELS, "failure_mode": ["dns"], "trigger": []})
    filed(ann, title="public", incident_id=incident(ann, origin="public").pk)
    services.file_postmortem(title="plain", service="checkout", narrative="words", author=ann)
    answer = web.get(f"/postmortems?{query}")
    assert [row.title for row in answer.context["listing"].items] == titles


@pytest.mark.parametrize(
    "query", ["failure_mode=none", "service=nowhere", "origin=moon", "q=a%00", f"q={'x' * 201}"]
)
def test_a_filter_that_is_none_is_refused(web: Client, query: str) -> None:
    answer = web.get(f"/postmortems?{query}")
    assert answer.status_code == 422
    assert "field-error" in answer.content.decode()


def queries(web: Client, path: str) -> str:
    web.get(path)  # now and then a page also asks whether this is a demo
    return str(web.get(path).headers["Server-Timing"])


def test_lists_cost_the_same_queries_whatever_their_length(web: Client, ann: User) -> None:
    row = incident(ann)
    costs = []
    for count in (2, 10):
        for _ in range(count):
            filed(ann, incident_id=row.pk)
            drafted(ann)
        costs.append([queries(web, path) for path in ("/postmortems", f"/incidents/{row.pk}/postmortems")])
    assert costs[0] == costs[1]


def test_a_review_costs_the_same_queries_whatever_its_length(web: Client, ann: User) -> None:
    many = [{"text": f"o{n}"} for n in range(20)]
    advice = [{"text": f"r{n}", "cites": [1, 2]} for n in range(20)]
    small, large = filed(ann), filed(ann, observations=many, recommendations=advice)
    assert queries(web, f"/postmortems/{small.pk}") == queries(web, f"/postmortems/{large.pk}")


def test_what_is_not_there_is_not_found(web: Client, ann: User) -> None:
    draft = drafted(ann)
    for path in (
        "/postmortems/999",
        "/postmortems/drafts/999/what",
        f"/postmortems/drafts/{draft.pk}/nowhere",
        "/incidents/999/postmortems",
        "/postmortems/new?incident=x",
    ):
        assert web.get(path).status_code == 404, path
    assert web.post("/postmortems/999/amend").status_code == 404
    assert web.post(f"/postmortems/drafts/{draft.pk}/history", {"version": "x"}).status_code == 404

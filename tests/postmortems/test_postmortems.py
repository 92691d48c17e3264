from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import DatabaseError, transaction

from apps.audit import ledger
from apps.audit.models import AuditRecord
from apps.catalog.models import Service
from apps.common.errors import InvalidInputError
from apps.postmortems.models import Postmortem
from apps.postmortems.services import file_postmortem
from tests.people import Api, api_of, make_person

pytestmark = [pytest.mark.api, pytest.mark.django_db]

PATH = "/api/v1/postmortems"
DRAFT = {"title": "Slow checkout", "service": "checkout", "narrative": "one\r\n two \nthree\u2028still\n"}


@pytest.fixture
def api() -> Api:
    return api_of(make_person("ann", "responder"))


def file(**changes: Any) -> Postmortem:
    author = make_person("author", "responder")
    return file_postmortem(**{**DRAFT, "author": author, **changes})


def test_a_narrative_is_kept_to_the_letter_with_the_hash_of_its_bytes(api: Api) -> None:
    answer = api.send("POST", PATH, DRAFT)
    row = Postmortem.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": row.pk,
        "title": "Slow checkout",
        "service": "checkout",
        "author": "ann",
        "created_at": answer.json()["created_at"],
        "sha256": hashlib.sha256(DRAFT["narrative"].encode()).hexdigest(),
        "lines": 3,
        "narrative": DRAFT["narrative"],
        "kind": "text",
        "incident": None,
        "amends": None,
        "review": None,
    }
    assert api.send("GET", f"{PATH}/{row.pk}").json() == answer.json()
    assert answer.json()["created_at"][-1] == "Z"
    assert len(answer.json()["created_at"]) == len("2026-11-21T12:00:00.000001Z")


def test_filing_is_on_the_record_and_makes_the_service_known(api: Api) -> None:
    api.send("POST", PATH, DRAFT)
    assert Service.objects.get().slug == "checkout"
    record = AuditRecord.objects.order_by("-id")[0]
    assert (record.actor, record.action, record.object_id) == (
        "ann",
        "postmortem_filed",
        str(Postmortem.objects.get().pk),
    )
    assert ledger.verify().ok


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"title": None}, "title", "null"),
        ({"title": " "}, "title", "blank"),
        ({"title": "x" * 201}, "title", "max_length"),
        ({"title": "a\x00b"}, "title", "null_characters_not_allowed"),
        ({"narrative": ""}, "narrative", "blank"),
        ({"narrative": " \n"}, "narrative", "invalid_input"),
        ({"narrative": "a\x00b"}, "narrative", "null_characters_not_allowed"),
        ({"narrative": "x" * 200_001}, "narrative", "max_length"),
        ({"narrative": "\ud800"}, "narrative", "surrogate_characters_not_allowed"),
        ({"service": "a/b"}, "service", "bad_service_name"),
        ({"service": " a"}, "service", "bad_service_name"),
        ({"service": ".."}, "service", "bad_service_name"),
        ({"service": "a\u200b"}, "service", "bad_service_name"),
        ({"service": "x" * 81}, "service", "max_length"),
        ({"autor": "bob"}, "autor", "unknown_field"),
    ],
)
def test_a_faulty_draft_is_refused_at_its_field_and_nothing_is_kept(
    api: Api, change: dict[str, Any], field: str, code: str
) -> None:
    answer = api.send("POST", PATH, {**DRAFT, **change})
    assert answer.status_code == 422
    assert (answer.json()["field"], answer.json()["errors"][0]["code"]) == (field, code)
    assert Postmortem.objects.count() == 0
    assert Service.objects.count() == 0


def test_a_missing_field_is_named(api: Api) -> None:
    answer = api.send("POST", PATH, {"title": "x", "service": "y"})
    assert (answer.status_code, answer.json()["field"]) == (422, "narrative")


@pytest.mark.parametrize(
    ("field", "text", "detail"),
    [
        ("title", "", "The title is empty."),
        ("narrative", "a\nb\x00", "The narrative has a NUL character in line 2."),
        ("narrative", "\udfff", "The narrative has half a surrogate pair."),
        ("title", "x" * 201, "The title has 201 characters; 200 are kept."),
    ],
)
def test_the_service_itself_refuses_what_cannot_be_kept(field: str, text: str, detail: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        file(**{field: text})
    assert (caught.value.field, caught.value.detail) == (field, detail)


def test_lines_are_counted_as_an_editor_does() -> None:
    row = file()
    assert row.line_count() == 3
    assert row.lines(1, 1) == "one"
    assert row.lines(2, 3) == " two \nthree\u2028still"


@pytest.mark.parametrize(
    "change",
    [{"narrative": "other"}, {"title": "other"}, {"sha256": "0" * 64}],
    ids=lambda change: next(iter(change)),
)
def test_the_database_refuses_changes(change: dict[str, str]) -> None:
    row = file()
    with pytest.raises(DatabaseError), transaction.atomic():
        Postmortem.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError), transaction.atomic():
        Postmortem.objects.filter(pk=row.pk).delete()
    assert Postmortem.objects.get().narrative == DRAFT["narrative"]


def test_the_database_refuses_a_hash_that_is_not_the_narratives() -> None:
    row = file()
    row.pk = None
    row.sha256 = "0" * 64
    with pytest.raises(DatabaseError), transaction.atomic():
        row.save(force_insert=True)


def test_the_list_is_paged_newest_first_without_narratives(api: Api) -> None:
    for number in range(3):
        api.send("POST", PATH, {**DRAFT, "title": f"t{number}", "service": f"s{number}"})
    first = api.send("GET", f"{PATH}?limit=2").json()
    assert [item["title"] for item in first["items"]] == ["t2", "t1"]
    assert "narrative" not in first["items"][0]
    second = api.send("GET", f"{PATH}?limit=2&cursor={first['next']}").json()
    assert ([item["title"] for item in second["items"]], second["next"]) == (["t0"], None)
    only = api.send("GET", f"{PATH}?service=s1").json()
    assert [item["title"] for item in only["items"]] == ["t1"]


def test_the_list_costs_the_same_queries_whatever_its_length(
    api: Api, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        api.send("POST", PATH, {**DRAFT, "service": f"s{number}"})
    with django_assert_num_queries(2):  # the token with its person, the page
        assert len(api.send("GET", PATH).json()["items"]) == 5


def test_what_is_not_there_is_not_found(api: Api) -> None:
    answer = api.send("GET", f"{PATH}/999")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_strangers_and_closed_accounts_see_none() -> None:
    row = file()
    assert list(Postmortem.objects.visible_to(AnonymousUser())) == []
    assert list(Postmortem.objects.visible_to(row.author)) == [row]


@pytest.mark.parametrize("number", ["0", "9223372036854775808", "9" * 60])
def test_a_number_beyond_every_row_is_not_found(api: Api, number: str) -> None:
    assert api.send("GET", f"{PATH}/{number}").status_code == 404


def test_a_filter_that_no_text_can_equal_is_refused(api: Api) -> None:
    answer = api.send("GET", f"{PATH}?service=a%00b")
    found = answer.json()
    assert (answer.status_code, found["code"], found["field"]) == (422, "unstorable_value", "service")


def test_a_name_that_no_utf8_can_hold_is_refused_and_named(api: Api) -> None:
    answer = api.send("POST", PATH, '{"\\ud800": 1}')
    assert (answer.status_code, answer.json()["field"]) == (422, "\\ud800")


@pytest.mark.parametrize("body", ["", "{", "[" * 100_000, '{"title": NaN}', "\xff", "null", '"text"'])
def test_a_body_that_is_no_object_is_refused(api: Api, body: str) -> None:
    answer = api.send("POST", PATH, body)
    assert answer.status_code in {400, 422}
    assert Postmortem.objects.count() == 0


def test_another_content_type_is_refused(api: Api) -> None:
    answer = api.post(PATH, "a=b", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")

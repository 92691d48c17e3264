from __future__ import annotations

from typing import Any

import pytest

from apps.postmortems.models import Postmortem
from tests.people import Api, api_of, make_person
from tests.postmortems.making import LABELS, review

pytestmark = [pytest.mark.api, pytest.mark.django_db]
PATH = "/api/v1/postmortems"


@pytest.fixture
def api() -> Api:
    return api_of(make_person("ann", "responder"))


def test_a_review_comes_back_with_its_parts(api: Api) -> None:
    answer = api.send("POST", PATH, review())
    assert answer.status_code == 201
    body = answer.json()
    row = Postmortem.objects.get()
    assert body["kind"] == "incident"
    assert body["narrative"] == row.narrative
    found = body["review"]
    assert found["labels"] == {k: [v] if isinstance(v, str) else v for k, v in LABELS.items()}
    assert [entry["at"] for entry in found["timeline"]] == [
        "2026-11-01T14:02:00.000000Z",
        "2026-11-01T14:10:00.000000Z",
    ]
    assert found["observations"][0] == {
        "number": 1,
        "text": "The pool was full.",
        "evidence": "Panel 3",
        "lines": [12, 13],
    }
    (advice,) = found["recommendations"]
    assert (advice["rank"], advice["cites"], advice["lines"]) == (1, [1, 2], [18, 19])
    assert api.send("GET", f"{PATH}/{row.pk}").json() == body


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"labels": {**LABELS, "timing": []}}, "labels.timing", "required"),
        ({"labels": {**LABELS, "trigger": ["x"]}}, "labels.trigger", "unknown_code"),
        ({"labels": []}, "labels", "not_a_dict"),
        (
            {"recommendations": [{"text": "x", "cites": [1]}, {"text": "x", "cites": [9]}]},
            "recommendations.1.cites",
            "unknown_code",
        ),
        ({"recommendations": [{"text": "x"}]}, "recommendations.0.cites", "required"),
        ({"timeline": [{"at": "x", "kind": "event", "text": "x"}]}, "timeline.0.at", "invalid_input"),
        ({"timeline": [{"at": "2026-11-01", "text": "x"}]}, "timeline.0.kind", "required"),
        ({"observations": [{"text": "a\x00"}]}, "observations.0.text", "null_characters_not_allowed"),
        ({"observations": [{"text": "a", "kind": "x"}]}, "observations.0.kind", "unknown_field"),
        ({"incident": 999}, "incident", "unknown_code"),
        ({"kind": "text"}, "kind", "unknown_code"),
        ({"narrative": "both"}, "labels", "narrative_and_parts"),
        ({"summary": "  "}, "summary", "required"),
    ],
)
def test_a_faulty_part_is_refused_at_its_path(
    api: Api, change: dict[str, Any], field: str, code: str
) -> None:
    answer = api.send("POST", PATH, {**review(), **change})
    body = answer.json()
    assert (answer.status_code, body["field"], body["errors"][0]["code"]) == (422, field, code)
    assert body["errors"][0]["pointer"] == "/" + field.replace(".", "/")
    assert not Postmortem.objects.exists()


def test_what_cannot_be_amended_is_not_found_or_in_conflict(api: Api) -> None:
    assert api.send("POST", PATH, review(amends=999)).status_code == 404
    first = api.send("POST", PATH, review()).json()["id"]
    assert api.send("POST", PATH, review(amends=first)).status_code == 201
    again = api.send("POST", PATH, review(amends=first))
    assert (again.status_code, again.json()["code"]) == (409, "already_amended")


def test_a_review_costs_the_same_queries_whatever_its_length(
    api: Api, django_assert_num_queries: Any
) -> None:
    many = review(
        observations=[{"text": f"o{n}"} for n in range(20)],
        recommendations=[{"text": f"r{n}", "cites": [1, 2]} for n in range(20)],
    )
    number = api.send("POST", PATH, many).json()["id"]
    # The token with its person; the review; three of labels; four of timeline and statements.
    with django_assert_num_queries(9):
        api.send("GET", f"{PATH}/{number}")

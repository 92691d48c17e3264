from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DataError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions, serializers
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from apps.common import problems
from apps.common.errors import DomainError, ForbiddenError, InvalidInputError, NotFoundError

pytestmark = pytest.mark.unit


class Row(serializers.Serializer[Any]):
    value = serializers.FloatField()


class Body(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=3)
    rows = Row(many=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["title"] == "no":
            raise serializers.ValidationError("Title and rows do not go together.", code="mismatch")
        return attrs


def handled(exc: Exception) -> Any:
    response = problems.exception_handler(exc, {})
    assert response is not None
    assert response.content_type == "application/problem+json"
    assert response.status_code == response.data["status"]
    return response


def refused(data: Any) -> Any:
    with pytest.raises(exceptions.ValidationError) as caught:
        Body(data=data).is_valid(raise_exception=True)
    return handled(caught.value).data


def test_a_domain_error_keeps_code_field_and_remedy() -> None:
    body = handled(InvalidInputError("Too long.", field="title", remedy="Cut it.")).data
    assert body == {
        "type": "urn:aftercast:problem:invalid_input",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "invalid_input",
        "detail": "Too long.",
        "field": "title",
        "remedy": "Cut it.",
        "errors": [{"field": "title", "pointer": "/title", "code": "invalid_input", "detail": "Too long."}],
    }


@pytest.mark.parametrize(
    ("exc", "status", "code"),
    [
        (DomainError("x"), 409, "conflict"),
        (NotFoundError("x"), 404, "not_found"),
        (ForbiddenError("x"), 403, "forbidden"),
        (Http404("x"), 404, "not_found"),
        (PermissionDenied("x"), 403, "forbidden"),
        (exceptions.NotAuthenticated(), 401, "not_authenticated"),
        (exceptions.AuthenticationFailed("x", code="token_expired"), 401, "token_expired"),
        (exceptions.PermissionDenied(), 403, "forbidden"),
        (exceptions.PermissionDenied("x", code="scope_missing"), 403, "scope_missing"),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
        (exceptions.ParseError("x"), 400, "malformed"),
        (exceptions.UnsupportedMediaType("a/b"), 415, "unsupported_media_type"),
        (exceptions.NotAcceptable(), 406, "not_acceptable"),
        (exceptions.Throttled(wait=7), 429, "throttled"),
        (DataError("NUL"), 422, "unstorable_value"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates"), 422, "unstorable_value"),
        (RecursionError(), 400, "malformed"),
        (RequestDataTooBig(), 413, "too_large"),
        (OperationalError("gone"), 503, "database_unavailable"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_kind_of_error_has_its_status_and_code(exc: Exception, status: int, code: str) -> None:
    body = handled(exc).data
    assert (body["status"], body["code"]) == (status, code)
    assert set(body) == {"type", "title", "status", "code", "detail", "field", "remedy", "errors"}
    assert len(body["errors"]) == 1


def test_waiting_times_are_headers() -> None:
    assert handled(exceptions.Throttled(wait=7)).headers["Retry-After"] == "7"
    assert handled(OperationalError("gone")).headers["Retry-After"] == "5"


def test_a_bug_is_nobodys_problem_but_ours() -> None:
    assert problems.exception_handler(ZeroDivisionError(), {}) is None


def test_each_faulty_field_is_named_by_path_and_pointer() -> None:
    body = refused({"title": "four", "rows": [{"value": 1}, {"value": "x"}, {}]})
    assert body["field"] == "title"
    assert body["detail"] == "title: Ensure this field has no more than 3 characters."
    assert [(error["field"], error["pointer"], error["code"]) for error in body["errors"]] == [
        ("title", "/title", "max_length"),
        ("rows.1.value", "/rows/1/value", "invalid"),
        ("rows.2.value", "/rows/2/value", "required"),
    ]


def test_a_fault_of_the_whole_has_no_field() -> None:
    body = refused({"title": "no", "rows": []})
    assert (body["field"], body["errors"][0]["code"]) == (None, "mismatch")
    assert body["detail"] == "Title and rows do not go together."


def test_a_body_of_the_wrong_kind_is_refused_as_a_whole() -> None:
    assert refused([1])["errors"][0]["code"] == "invalid"


def test_a_nul_character_is_refused_at_its_field() -> None:
    body = refused({"title": "a\x00", "rows": []})
    assert (body["field"], body["errors"][0]["code"]) == ("title", "null_characters_not_allowed")


def test_what_no_utf8_can_hold_is_escaped_wherever_an_error_repeats_it() -> None:
    answer = handled(InvalidInputError("a \ud800", field="b.\udfff", remedy="c \udc00"))
    sent = json.loads(JSONRenderer().render(answer.data))
    assert (sent["detail"], sent["field"], sent["remedy"]) == ("a \\ud800", "b.\\udfff", "c \\udc00")
    assert sent["errors"] == [
        {"field": "b.\\udfff", "pointer": "/b/\\udfff", "code": "invalid_input", "detail": "a \\ud800"}
    ]
    wrong = exceptions.ValidationError({"\ud800": [exceptions.ErrorDetail("\ud801", code="\ud802")]})
    sent = json.loads(JSONRenderer().render(handled(wrong).data))
    assert sent["errors"] == [
        {"field": "\\ud800", "pointer": "/\\ud800", "code": "\\ud802", "detail": "\\ud801"}
    ]


def test_fields_called_message_and_code_are_fields() -> None:
    body = handled(exceptions.ValidationError({"message": ["No."], "code": ["No."]})).data
    assert [error["field"] for error in body["errors"]] == ["message", "code"]


@pytest.mark.parametrize(
    ("kwargs", "query", "body", "field"),
    [
        ({"slug": "a\x00"}, "", {}, "slug"),
        ({}, "?q=a%00", {}, "q"),
        ({}, "", {"rows": [{"n": 1}, {"n": 2**40}]}, "rows.1.n"),
        ({}, "", {"n": 2**40, "rows": ["a\x00"]}, "rows.0"),
        ({}, "", {"n": 1}, None),
    ],
)
def test_an_unstorable_value_is_looked_for(
    kwargs: dict[str, str], query: str, body: dict[str, Any], field: str | None
) -> None:
    request = Request(APIRequestFactory().post("/x" + query, body, format="json"), parsers=[JSONParser()])
    answer = problems.exception_handler(DataError("no"), {"request": request, "kwargs": kwargs})
    assert answer is not None
    assert (answer.status_code, answer.data["code"], answer.data["field"]) == (422, "unstorable_value", field)


def test_a_body_that_cannot_be_read_holds_no_culprit() -> None:
    request = Request(APIRequestFactory().post("/x", "{", content_type="application/json"), [JSONParser()])
    answer = problems.exception_handler(DataError("no"), {"request": request, "kwargs": {}})
    assert answer is not None
    assert answer.data["field"] is None


def test_a_pointer_escapes_tildes() -> None:
    assert problems.pointer("a~b.0") == "/a~0b/0"


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/feast/nothing"])
def test_unknown_machine_addresses_answer_in_json(path: str) -> None:
    request = RequestFactory().get(path)
    answers = [
        (problems.not_found(request, Http404()), 404, "not_found"),
        (problems.forbidden(request, PermissionDenied()), 403, "forbidden"),
        (problems.bad_request(request, SuspiciousOperation()), 400, "bad_request"),
        (problems.bad_request(request, RequestDataTooBig()), 413, "too_large"),
        (problems.server_error(request), 500, "internal_error"),
    ]
    for response, status, code in answers:
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.status_code == status
        assert json.loads(response.content)["code"] == code  # type: ignore[attr-defined]


def test_pages_keep_pages() -> None:
    request = RequestFactory().get("/somewhere")
    assert problems.not_found(request, Http404()).headers["Content-Type"].startswith("text/html")
    assert problems.forbidden(request, PermissionDenied()).headers["Content-Type"].startswith("text/html")
    assert (
        problems.bad_request(request, SuspiciousOperation()).headers["Content-Type"].startswith("text/html")
    )
    assert problems.server_error(request).headers["Content-Type"].startswith("text/html")

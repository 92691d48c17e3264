from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.response import Response

from apps.accounts.authentication import authenticate_bearer
from apps.accounts.door import Access, ApiView
from apps.accounts.models import ApiToken, RoleGrant, Team
from tests.people import Api, api_of, make_person, make_token

pytestmark = [pytest.mark.api, pytest.mark.django_db, pytest.mark.urls("tests.accounts.views")]

GUARDED = "/api/guarded"


def refused(answer: Any) -> tuple[int, str]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


def test_nobody_is_asked_to_show_a_token() -> None:
    answer = Api(None).send("GET", GUARDED)
    assert refused(answer) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="aftercast"'


@pytest.mark.parametrize("scopes", [["api"], ["insights:read"], ["features:read", "insights:read"]])
def test_scope_and_role_together_open_the_door(scopes: list[str]) -> None:
    api = api_of(make_person("ann", "viewer", "operator"), *scopes)
    assert api.send("GET", GUARDED).json() == {"who": "ann", "token": "test"}


def test_a_token_without_the_scope_is_refused() -> None:
    api = api_of(make_person("ann", "operator"), "features:read")
    assert refused(api.send("GET", GUARDED)) == (403, "scope_missing")


def test_a_person_without_the_role_is_refused_whatever_the_token() -> None:
    assert refused(api_of(make_person("ann", "viewer")).send("GET", GUARDED)) == (403, "role_missing")


def test_a_service_account_may_pass_on_its_scope_where_people_need_a_role() -> None:
    bot = make_person("bot", is_service=True)
    assert api_of(bot, "alerts:write").send("GET", "/api/report").json() == {"who": "bot"}
    assert refused(api_of(bot, "alerts:read").send("GET", "/api/report")) == (403, "scope_missing")
    viewer = api_of(make_person("ann", "viewer"))
    assert refused(viewer.send("GET", "/api/report")) == (403, "role_missing")


def test_a_role_that_is_taken_away_is_gone_at_once() -> None:
    ann = make_person("ann", "operator")
    api = api_of(ann)
    RoleGrant.objects.filter(user=ann).delete()
    assert refused(api.send("GET", GUARDED)) == (403, "role_missing")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"expires_at": timezone.now()}, "token_expired"),
        ({"revoked_at": timezone.now()}, "token_revoked"),
        ({"digest": "0" * 64}, "token_invalid"),
    ],
    ids=["expired", "revoked", "unknown"],
)
def test_a_token_that_has_ended_opens_nothing(change: dict[str, Any], code: str) -> None:
    plain = make_token(make_person("ann", "operator"))
    ApiToken.objects.update(created_at=timezone.now() - timedelta(days=2))
    assert authenticate_bearer(f"Bearer {plain}") is not None
    ApiToken.objects.update(**change)
    assert refused(Api(plain).send("GET", GUARDED)) == (401, code)
    assert authenticate_bearer(f"Bearer {plain}") is None


def test_a_closed_account_opens_nothing() -> None:
    ann = make_person("ann", "operator")
    plain = make_token(ann)
    ann.is_active = False
    ann.save()
    assert refused(Api(plain).send("GET", GUARDED)) == (401, "token_invalid")
    assert authenticate_bearer(f"Bearer {plain}") is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x y", "Bearer \xe9", "Bearer a\x00b"]
)
def test_odd_headers_are_refused_and_break_nothing(header: str) -> None:
    client = Client(headers={"Authorization": header}, raise_request_exception=False)
    answer = client.get(GUARDED)
    assert refused(answer)[0] == 401
    assert authenticate_bearer(header) is None


def test_the_scheme_is_read_in_any_case_and_costs_one_query(django_assert_num_queries: Any) -> None:
    plain = make_token(make_person("ann"), min_confidence=0.7)
    with django_assert_num_queries(1):
        found = authenticate_bearer(f"bearer {plain}")
        assert found is not None
        assert (found.user.username, found.min_confidence) == ("ann", 0.7)


def test_a_browser_session_needs_no_scope_and_a_csrf_token_to_write() -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_person("ann", "operator"))
    assert client.get(GUARDED).json() == {"who": "ann", "token": None}
    answer = client.post("/api/teams", {"slug": "a"}, content_type="application/json")
    assert refused(answer) == (403, "forbidden")
    assert Team.objects.count() == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_not_allowed(method: str) -> None:
    answer = api_of(make_person("ann", "operator")).send(method, GUARDED)
    assert refused(answer) == (405, "method_not_allowed")


def test_head_is_let_in_as_get_is() -> None:
    assert api_of(make_person("ann", "operator")).head(GUARDED).status_code == 200
    assert api_of(make_person("bob", "viewer")).head(GUARDED).status_code == 403


def test_a_view_must_say_who_may_use_each_method() -> None:
    with pytest.raises(TypeError, match="says nothing of POST"):

        class Careless(ApiView):
            access: ClassVar = {"GET": Access()}

            def get(self, request: Any) -> Response:
                return Response()

            def post(self, request: Any) -> Response:
                return Response()


@pytest.fixture
def teams() -> Api:
    Team.objects.bulk_create(Team(slug=f"t{number}", name=f"n{number % 2}") for number in range(5))
    return api_of(make_person("ann"))


def walk(api: Api, query: str) -> list[str]:
    seen: list[str] = []
    cursor = ""
    for _ in range(10):
        page = api.send("GET", f"/api/teams?limit=2{query}{cursor}").json()
        seen += page["items"]
        if page["next"] is None:
            return seen
        cursor = f"&cursor={page['next']}"
    raise RuntimeError("the list has no end")


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "t0 t1 t2 t3 t4"),
        ("&order=-slug", "t4 t3 t2 t1 t0"),
        ("&order=name", "t0 t2 t4 t1 t3"),
        ("&order=-name", "t3 t1 t4 t2 t0"),
        ("&order=-name&order=id", "t1 t3 t0 t2 t4"),
    ],
)
def test_pages_hold_each_row_once_in_order(teams: Api, query: str, order: str) -> None:
    assert walk(teams, query) == order.split()


def test_rows_added_meanwhile_neither_repeat_nor_hide_others(teams: Api) -> None:
    first = teams.send("GET", "/api/teams?limit=2").json()
    Team.objects.create(slug="a", name="before")
    Team.objects.create(slug="t11", name="between")
    second = teams.send("GET", f"/api/teams?limit=2&cursor={first['next']}").json()
    assert (first["items"], second["items"]) == (["t0", "t1"], ["t11", "t2"])


def test_a_full_last_page_has_no_next(teams: Api) -> None:
    assert teams.send("GET", "/api/teams?limit=5").json()["next"] is None


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1.5", "", "٣", "9" * 5000])
def test_a_limit_out_of_range_is_refused_at_its_field(teams: Api, limit: str) -> None:
    answer = teams.send("GET", f"/api/teams?limit={limit}")
    assert (*refused(answer), answer.json()["field"]) == (422, "invalid_input", "limit")


@pytest.mark.parametrize(
    "text",
    ["[Infinity]", "[1e400]", '["\\ud800"]', '["\\u0000"]', "[1]", '["1", null]', "[" * 9000, "\xff"],
)
@pytest.mark.parametrize("order", ["id", "slug"])
def test_a_cursor_of_somebody_elses_making_is_refused(teams: Api, order: str, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode("latin-1")).decode().rstrip("=")
    answer = teams.send("GET", f"/api/teams?order={order}&cursor={cursor}")
    assert (*refused(answer), answer.json()["field"]) == (422, "invalid_input", "cursor")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"slug": "\\ud800"}', (422, "invalid_input", "slug", "surrogate_characters_not_allowed")),
        ('{"\\ud800": 1}', (422, "invalid_input", "\\ud800", "surrogate_characters_not_allowed")),
        ('{"slug": "a\\u0000"}', (422, "invalid_input", "slug", "null_characters_not_allowed")),
        ('{"slug": [1, {"a": NaN}]}', (422, "invalid_input", "slug.1.a", "not_finite")),
        ('{"slug": 1e400}', (422, "invalid_input", "slug", "not_finite")),
        ('[{"a": -Infinity}]', (422, "invalid_input", "items.0.a", "not_finite")),
        ('{"slug": ' + "[" * 100 + "]" * 100 + "}", (400, "malformed", "slug", "malformed")),
        ('{"slug": ' + "[" * 90_000 + "]" * 90_000 + "}", (400, "malformed", None, "malformed")),
        ("{", (400, "malformed", None, "malformed")),
        ("\xff", (400, "malformed", None, "malformed")),
    ],
)
@pytest.mark.parametrize("key", [None, "k"])
def test_a_body_that_nobody_can_keep_is_refused_at_its_place(
    body: str, expected: tuple[int, str, str | None, str], key: str | None
) -> None:
    api = api_of(make_person("ann"))
    answer = api.send("POST", "/api/teams", body.encode("latin-1"), key=key)
    found = answer.json()
    assert (*refused(answer), found["field"], found["errors"][0]["code"]) == expected
    assert Team.objects.count() == 0


def test_a_body_of_legal_depth_and_any_character_is_read() -> None:
    body = '\ufeff{"slug": "a", "x": ' + "[" * 98 + '"\\ud83d\\ude00 😀"' + "]" * 98 + "}"
    answer = api_of(make_person("ann")).send("POST", "/api/teams", body.encode())
    assert (answer.status_code, answer.json()["slug"]) == (201, "a")


def test_a_body_beyond_the_limit_is_refused_with_and_without_a_key(settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 20
    api = api_of(make_person("ann"))
    for key in (None, "k"):
        answer = api.send("POST", "/api/teams", {"slug": "a" * 30}, key=key)
        assert refused(answer) == (413, "too_large")


@pytest.mark.parametrize("cursor", ["x", "WzFd", "W10", "bnVsbA", "WyJ0MCIsIngiXQ", "%00", "é", "W1tdLHt9XQ"])
def test_a_cursor_that_was_not_given_out_is_refused(teams: Api, cursor: str) -> None:
    answer = teams.send("GET", f"/api/teams?cursor={cursor}")
    assert (*refused(answer), answer.json()["field"]) == (422, "invalid_input", "cursor")

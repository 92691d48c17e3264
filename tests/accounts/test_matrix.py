"""Who may use which route: every route of the project against every kind of caller.

A route that is not in ROUTES fails, so a new one must be classified here before it ships. The doors are asked
over HTTP; what is behind them is replaced by a plain answer, so that asking changes nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from rest_framework.response import Response

from apps.accounts.door import ApiView
from apps.accounts.models import ApiToken, Role
from apps.accounts.tokens import SCOPES
from tests.classified import ADMINS, ANYBODY, AUTHORS, OPERATORS, PINNERS, Page, Rule, collected
from tests.people import Api, make_person, make_token

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.api, pytest.mark.django_db]

LET_IN = 299
REFUSED = 403
ENDED = {"expired": {"expires_at": timezone.now()}, "revoked": {"revoked_at": timezone.now()}}
FEEDERS = frozenset({Role.RESPONDER, Role.OPERATOR, Role.ADMIN})


SAMPLES = {"series_id": "checkout/latency", "int": "1", "str": "x", "slug": "x"}
PUBLIC = "public"  # no token needed
OWN_DOOR = "own door"  # no ApiView; its token check is tested here by its own means
AUTHOR = Rule("insights:write", AUTHORS)
FEATURES = Rule("features:read")
INSIGHTS = Rule("insights:read")
ADMINISTRATION = Rule("api", ADMINS)
FEEDING_ALARMS = Rule("alerts:write", FEEDERS, services_too=True)

ROUTES: dict[str, str | dict[str, Rule]] = {
    "healthz": PUBLIC,
    "setup/<str:token>": PUBLIC,  # the link is the secret
    "api/schema/": PUBLIC,
    "api/docs/": PUBLIC,
    "^feast/+get-online-features$": OWN_DOOR,
    "api/v1/me": {"GET": Rule("")},
    "api/v1/tokens": {"GET": Rule("api"), "POST": Rule("api")},
    "api/v1/tokens/<int:token_id>": {"DELETE": Rule("api")},
    "api/v1/people": {"GET": ADMINISTRATION, "POST": ADMINISTRATION},
    "api/v1/teams": {"GET": Rule("catalog:read")},
    "api/v1/services": {"GET": Rule("catalog:read")},
    "api/v1/vocabularies": {"GET": Rule("catalog:read")},
    "api/v1/series": {"GET": Rule("telemetry:read")},
    "api/v1/series/import": {"POST": Rule("telemetry:write", FEEDERS, services_too=True)},
    "api/v1/series/<series_id:series_id>": {"GET": Rule("telemetry:read")},
    "api/v1/series/<series_id:series_id>/samples": {"GET": Rule("telemetry:read")},
    "api/v1/incident-labels": {"POST": Rule("outcomes:write", FEEDERS, services_too=True)},
    "api/v1/alarms": {"GET": Rule("alerts:read"), "POST": FEEDING_ALARMS},
    "api/v1/features/online": {"POST": FEATURES},
    "api/v1/features/historical": {"POST": FEATURES},
    "api/v1/features/client.zip": {"GET": FEATURES},
    "api/v1/features/lineage": {"GET": FEATURES},
    "api/v1/releases": {"GET": FEATURES},
    "api/v1/releases/<int:number>": {"GET": FEATURES},
    "api/v1/releases/<int:number>/diff/<int:other>": {"GET": FEATURES},
    "api/v1/releases/<int:number>/pin": {"POST": Rule("releases:write", PINNERS, services_too=True)},
    "api/v1/releases/<int:number>/unpin": {"POST": Rule("releases:write", PINNERS, services_too=True)},
    "api/v1/releases/<int:number>/revert": {"POST": Rule("releases:write", OPERATORS)},
    "api/v1/postmortems": {"GET": Rule("postmortems:read"), "POST": Rule("postmortems:write", AUTHORS)},
    "api/v1/postmortems/<int:postmortem_id>": {"GET": Rule("postmortems:read")},
    "api/v1/insights": {"GET": INSIGHTS, "POST": AUTHOR},
    "api/v1/insights/<int:pk>": {"GET": INSIGHTS},
    "api/v1/insights/<int:pk>/approve": {"POST": AUTHOR},
    "api/v1/insights/<int:pk>/dry-run": {"GET": INSIGHTS},
    "api/v1/insights/<int:pk>/gate": {"POST": AUTHOR},
    "api/v1/insights/<int:pk>/revise": {"POST": AUTHOR},
    "api/v1/insights/<int:pk>/scores": {"POST": AUTHOR},
    "api/v1/insights/<int:pk>/withdraw": {"POST": AUTHOR},
    **collected("ROUTES"),
}
PAGES: dict[str, str | Page] = collected("PAGES")


def routes() -> dict[str, Any]:
    """Each route of the project with its view class or function."""
    return dict(_walk(get_resolver("config.urls"), ""))


def _walk(resolver: URLResolver, prefix: str) -> Iterator[tuple[str, Any]]:
    for entry in resolver.url_patterns:
        here = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield here, getattr(entry.callback, "cls", entry.callback)
        else:
            yield from _walk(entry, here)


def address(route: str) -> str:
    """A path that leads to the route."""
    if route.startswith("^"):
        return "/" + route.strip("^$").replace("/+", "/")
    return "/" + re.sub(r"<(\w+):\w+>", lambda found: SAMPLES[found[1]], route)


@dataclass(frozen=True)
class Caller:
    name: str
    api: Api
    roles: frozenset[str] = ANYBODY
    scopes: frozenset[str] = ANYBODY
    is_service: bool = False
    known: bool = True

    def expected(self, rule: Rule) -> int:
        if not self.known:
            return 401
        in_scope = not rule.scope or not self.scopes.isdisjoint({"api", rule.scope})
        trusted = rule.services_too and self.is_service
        in_role = not rule.roles or trusted or not rule.roles.isdisjoint(self.roles)
        return LET_IN if in_scope and in_role else 403


@pytest.fixture
def callers() -> list[Caller]:
    """Nobody, one person of each role, a service account and a mighty person with each scope, ended ones."""
    found = [Caller("nobody", Api(None), known=False)]
    for role in Role.values:
        token = make_token(make_person(role, role))
        found.append(Caller(role, Api(token), frozenset({role}), frozenset({"api"})))
    bot = make_person("bot", is_service=True)
    everything = make_person("everything", *Role.values)
    for scope in SCOPES:
        scopes = frozenset({scope})
        found.append(Caller(f"bot {scope}", Api(make_token(bot, scope)), ANYBODY, scopes, is_service=True))
        found.append(
            Caller(f"everything {scope}", Api(make_token(everything, scope)), frozenset(Role.values), scopes)
        )
    for name, change in ENDED.items():
        plain = make_token(everything)
        row = ApiToken.objects.latest("id")
        ApiToken.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(days=9), **change)
        found.append(Caller(name, Api(plain), known=False))
    return found


def test_every_route_is_classified_and_every_classified_route_exists() -> None:
    assert sorted(routes()) == sorted([*ROUTES, *PAGES])


def test_every_page_is_open_to_just_those_who_are_classified() -> None:
    for route, view in routes().items():
        rule = PAGES.get(route)
        access = getattr(view, "access", None)
        if isinstance(rule, Page):
            wanted = {"GET": rule.get, "POST": rule.post}
            assert access is not None, route
            assert access.methods == {k: v for k, v in wanted.items() if v is not None}, route


@pytest.fixture
def visitors() -> list[tuple[str, Client]]:
    """A browser for each role, signed in."""
    found = []
    for role in Role.values:
        client = Client(raise_request_exception=False)
        client.force_login(make_person(f"page-{role}", role))
        found.append((role, client))
    return found


def test_strangers_are_sent_to_sign_in_and_come_back() -> None:
    for route, rule in PAGES.items():
        if not isinstance(rule, Page):
            continue
        path = address(route)
        if rule.get is not None:
            answer = Client().get(path)
            assert (answer.status_code, answer.headers["Location"]) == (
                302,
                f"/sign-in?next={quote(path)}",
            ), route
        if rule.post is not None:
            assert Client().post(path).headers["Location"].startswith("/sign-in"), route


def test_pages_open_to_just_the_roles_that_are_classified(visitors: list[tuple[str, Client]]) -> None:
    wrong = []
    for route, rule in PAGES.items():
        if not isinstance(rule, Page):
            continue
        for role, client in visitors:
            seen = client.get(address(route)).status_code
            expected = _expected(rule.get, role)
            if seen not in expected:
                wrong.append(f"{role}: GET {route} gave {seen}")
            if rule.post is not None and role not in (rule.post or Role.values):
                refused = client.post(address(route)).status_code
                if refused != REFUSED:
                    wrong.append(f"{role}: POST {route} gave {refused}")
    assert wrong == []


def _expected(roles: frozenset[str] | None, role: str) -> set[int]:
    """What a GET may answer in an empty installation."""
    if roles is None:
        return {405}
    return {200, 302, 404} if not roles or role in roles else {REFUSED}


def test_public_pages_answer_strangers() -> None:
    for route, rule in PAGES.items():
        if rule == PUBLIC:
            assert Client().get(address(route)).status_code in {200, 404, 405, 410}, route


def test_every_api_view_opens_just_the_methods_that_are_classified() -> None:
    for route, view in routes().items():
        if route in PAGES:
            continue
        rules = ROUTES.get(route)
        is_door = isinstance(view, type) and issubclass(view, ApiView)
        assert is_door == isinstance(rules, dict), route
        if is_door and isinstance(rules, dict):
            assert set(view.access) == set(rules), route


def test_a_token_can_hold_every_scope_that_a_route_asks_for() -> None:
    asked = {rule.scope for rules in ROUTES.values() if isinstance(rules, dict) for rule in rules.values()}
    assert asked - {""} - set(SCOPES) == set()


def test_each_caller_gets_in_just_where_the_table_says(
    callers: list[Caller], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ApiView, "_run", lambda self: Response(status=LET_IN))
    wrong = [
        f"{caller.name}: {method} {route} gave {status}, not {caller.expected(rule)}"
        for route, rules in ROUTES.items()
        if isinstance(rules, dict)
        for method, rule in rules.items()
        for caller in callers
        if (status := caller.api.send(method, address(route)).status_code) != caller.expected(rule)
    ]
    assert wrong == []


def test_the_feast_door_wants_a_live_token_with_its_scope(callers: list[Caller]) -> None:
    for caller in callers:
        answer = caller.api.send("POST", address("^feast/+get-online-features$"), "not json")
        expected = caller.expected(FEATURES)
        assert (answer.status_code in {401, 403}) == (expected != LET_IN), caller.name
        if expected != LET_IN:
            assert answer.status_code == expected, caller.name


def test_public_routes_answer_strangers() -> None:
    public = {route for route, rules in ROUTES.items() if rules == PUBLIC}
    for route in public - {"healthz"}:  # which has tests of its own, and opens every part to look at it
        assert Api(None).send("GET", address(route)).status_code in {200, 410}, route


def test_only_people_with_a_role_change_what_others_see() -> None:
    """Whoever merely reads may write own tokens and read features by POST, no more."""
    harmless = {"api/v1/tokens", "api/v1/tokens/<int:token_id>", "api/v1/features/online"}
    harmless |= {"api/v1/features/historical", "api/v1/notices/<int:notice_id>/read"}
    open_to_readers = {
        route
        for route, rules in ROUTES.items()
        if isinstance(rules, dict) and route not in harmless
        for method, rule in rules.items()
        if method != "GET" and (not rule.roles or Role.VIEWER in rule.roles)
    }
    assert open_to_readers == set()

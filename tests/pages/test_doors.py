"""What holds of every page: its headers, its HTML, its methods, its door against forged posts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urljoin

import pytest
from django.test import Client

from tests.accounts.test_matrix import address
from tests.classified import Page, collected

from .markup import faults
from .world import PASSWORD, browser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .world import World

pytestmark = [pytest.mark.slow, pytest.mark.page, pytest.mark.django_db, pytest.mark.timeout(600)]

RULES: dict[str, str | Page] = collected("PAGES")
PUBLIC_GETS = frozenset({"sign-in", "password-reset", "password-reset/sent"})
PUBLIC_POSTS = {
    "sign-in": "/sign-in",
    "sign-in/as": "/sign-in/as",
    "password-reset": "/password-reset",
    "invitation/<str:token>": "/invitation/x",
    "password-reset/<str:uidb64>/<str:token>": "/password-reset/MQ/set-password",
}
HEADERS = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
REFERRERS = frozenset({"same-origin", "no-referrer"})
ELSEWHERE = "https://evil.example/trap"
WEIRD_NUMBERS = ("0", "9" * 30, str(2**63), str(2**31))
WEIRD_WORDS = ("%00", "a%00b", "%ED%A0%80", "x" * 5000, "..%2f..", "%F0%9F%92%A9", "%0a", "-")


def posts() -> Iterator[tuple[str, str]]:
    """(route, an address of it) of everything that takes a POST."""
    for route, rule in RULES.items():
        if isinstance(rule, Page) and rule.post is not None:
            yield route, address(route)
    yield from PUBLIC_POSTS.items()


def test_every_page_has_sound_html(world: World) -> None:
    table = {
        f"{seen.route}: {fault} ({seen.url} as {seen.person})": None
        for seen in world.pages
        for fault in faults(seen.root, whole=not seen.fragment)
    }
    assert not table, "\n".join(["", *table])


def test_every_page_has_the_headers_that_keep_it_safe(world: World) -> None:
    table = []
    for seen in world.pages:
        policy = seen.headers.get("Content-Security-Policy", "")
        if "default-src 'self'" not in policy or "unsafe" in policy:
            table.append(f"{seen.url}: policy {policy!r}")
        if seen.headers.get("Referrer-Policy") not in REFERRERS:
            table.append(f"{seen.url}: referrer {seen.headers.get('Referrer-Policy')!r}")
        table += [
            f"{seen.url}: {name} is {seen.headers.get(name)!r}"
            for name, value in HEADERS.items()
            if seen.headers.get(name) != value
        ]
    assert not table, "\n".join(["", *table])


def test_no_link_of_a_page_leads_nowhere(world: World) -> None:
    gone = [
        f"{seen.url} as {seen.person}: {seen.status}" for seen in world.pages if seen.status not in {200, 403}
    ]
    assert not gone, "\n".join(["", *gone])


def test_every_page_was_seen(world: World) -> None:
    wanted = {route for route, rule in RULES.items() if isinstance(rule, Page) and rule.get is not None}
    unseen = (wanted | PUBLIC_GETS) - {seen.route for seen in world.pages} - NO_HTML
    assert not unseen


NO_HTML = frozenset(
    {"postmortems/drafts/<int:pk>/save", "verdicts/<int:pk>.json"}
)  # JSON for scripts and people


def test_every_post_needs_its_token(world: World) -> None:
    admin = browser(world.people["admin"], enforce_csrf_checks=True)
    stranger = Client(enforce_csrf_checks=True, raise_request_exception=False)
    table = []
    for route, path in posts():
        for client in (admin, stranger):
            status = client.post(path).status_code
            if status != 403:
                table.append(f"{route}: {status} as {'admin' if client is admin else 'a stranger'}")
    assert not table, "\n".join(["", *table])


def test_what_only_takes_a_post_answers_a_get_with_405(world: World) -> None:
    client = browser(world.people["admin"])
    only = [route for route, rule in RULES.items() if isinstance(rule, Page) and rule.get is None]
    table = [
        f"{route}: {status}" for route in only if (status := client.get(address(route)).status_code) != 405
    ]
    assert client.get("/sign-in/as").status_code in {404, 405}
    assert not table, "\n".join(["", *table])


def test_what_takes_no_post_answers_one_with_405(world: World) -> None:
    client = browser(world.people["admin"])
    only = [route for route, rule in RULES.items() if isinstance(rule, Page) and rule.post is None]
    table = [
        f"{route}: {status}" for route in only if (status := client.post(address(route)).status_code) != 405
    ]
    for method in ("put", "patch", "delete", "trace"):
        table += [
            f"{method} {route}: {status}"
            for route, rule in RULES.items()
            if isinstance(rule, Page)
            and (status := getattr(client, method)(address(route)).status_code) != 405
        ]
    assert not table, "\n".join(["", *table])


def test_head_answers_as_get_does_without_a_body(world: World) -> None:
    table = []
    done: set[str] = set()
    for seen in world.pages:
        if seen.route in done or seen.fragment or seen.person is None:
            continue
        done.add(seen.route)
        answer = browser(seen.person).head(seen.url)
        if (answer.status_code, answer.content) != (seen.status, b""):
            table.append(f"{seen.url}: {answer.status_code}, {len(answer.content)} bytes")
    assert not table, "\n".join(["", *table])


def test_no_number_and_no_word_in_an_address_breaks_a_page(world: World) -> None:
    client = browser(world.people["admin"])
    table = []
    for route in RULES:
        for path in addresses(route):
            for method in (client.get, client.post):
                status = method(path).status_code
                if status >= 500:
                    table.append(f"{status} {path[:80]}")
    assert not table, "\n".join(["", *dict.fromkeys(table)])


def addresses(route: str) -> Iterator[str]:
    """Addresses of a route with strange values, one part at a time."""
    for part in re.findall(r"<\w+:\w+>", route):
        for value in WEIRD_NUMBERS if "<int:" in part else WEIRD_WORDS:
            yield address(route.replace(part, value)) if part in route else ""


@pytest.mark.parametrize(
    "there", [ELSEWHERE, "//evil.example", "javascript:alert(1)", "/\\evil.example", "%0d%0aX: y"]
)
def test_signing_in_leads_to_no_other_host(world: World, there: str) -> None:
    name = world.people["responder"].username
    answer = Client().post("/sign-in", {"username": name, "password": PASSWORD, "next": there})
    assert answer.status_code == 302
    led = urljoin("http://testserver/sign-in", answer.headers["Location"].replace("\\", "/"))
    assert led.startswith("http://testserver/")


def test_no_refusal_leads_back_to_another_host(world: World) -> None:
    table = []
    for role in ("admin", "responder"):
        client = browser(world.people[role])
        for route, path in posts():
            for headers in ({"Referer": ELSEWHERE}, {"HX-Request": "true", "HX-Current-URL": ELSEWHERE}):
                client.force_login(world.people[role], backend="apps.accounts.backends.LocalAccounts")
                answer = client.post(path, {"next": ELSEWHERE}, headers=headers)
                led = answer.headers.get("Location", "") + answer.headers.get("HX-Redirect", "")
                if answer.status_code >= 500 or led.startswith(("http", "//", "/\\")):
                    table.append(f"{route}: {answer.status_code} {led}")
    assert not table, "\n".join(["", *table])

"""The demo as a world to test in, and what is in it: addresses by crawling, forms by reading pages."""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.urls import Resolver404, resolve
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from apps.accounts import closing, inviting, people, teams
from apps.accounts.models import Role, Team, User
from apps.audit import outbox
from apps.demo import cast, loading
from apps.features import pinning
from apps.features.models import Release
from apps.impact.models import Verdict
from apps.incidents import services as incidents
from apps.postmortems import content
from apps.postmortems import services as postmortems
from apps.telemetry.models import Quarantine
from tests.postmortems.making import drafted

from .markup import Form, Node, forms, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "correct horse battery staple"
SAMPLES = 2  # pages of one route that the first role reads; what differs further is data
MANY_SAMPLES = 12  # but pages whose forms depend on the state of what they show, for those who decide
MANY = frozenset({"insights/<int:pk>", "actions/<int:pk>"})
DECIDE = frozenset({Role.RESPONDER, Role.REVIEWER, Role.OPERATOR})
SKIPPED = ("/api/", "/static/", "/feast/", "/healthz")


@dataclass(frozen=True)
class Seen:
    """A page as somebody saw it."""

    person: User | None
    url: str
    route: str
    status: int
    headers: dict[str, str]
    root: Node
    fragment: bool = False


@dataclass(frozen=True)
class Found:
    """A form, and where and as whom it was found."""

    person: User | None
    cookie: str
    page: str
    form: Form
    path: str
    route: str

    @property
    def name(self) -> str:
        return f"{self.path} on {self.page} as {self.person or 'a stranger'}"


@dataclass
class World:
    people: dict[str, User]
    seeds: dict[str, list[str]]
    pages: list[Seen] = field(default_factory=list)
    forms: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))


def build() -> World:
    """Load the demo, add what it lacks, and read every page of every role."""
    loading.load()
    while outbox.drain():  # it takes a hundred rows at a time, and the demo asks for more
        pass
    members = {str(part.role): User.objects.get(username=part.username) for part in cast.CAST}
    for person in members.values():
        person.set_password(PASSWORD)
        person.save()
    world = World(members, seeds=_more(members))
    everybody: list[tuple[str, User | None]] = [("stranger", None), *members.items()]
    for role, visitor in everybody:
        many = MANY_SAMPLES if role in DECIDE else 1
        samples = SAMPLES if role in {"stranger", Role.RESPONDER} else 1
        client = browser(visitor)
        for seen in crawl(client, visitor, ["/", *world.seeds[role]], samples, many):
            world.pages.append(seen)
            _keep(world, seen, client.cookies["sessionid"].value if "sessionid" in client.cookies else "")
    return world


def _more(members: dict[str, User]) -> dict[str, list[str]]:
    """Pages that no page of the demo links to, by the role that opens them."""
    admin, author = members[Role.ADMIN], members[Role.RESPONDER]
    _, nonce = inviting.invite(email="new@example.org", roles=[Role.VIEWER], team=None, actor=admin)
    gone = people.create_person(username="gone", email="gone@example.org", roles=[Role.VIEWER])
    key = urlsafe_base64_encode(force_bytes(gone.pk))
    teams.add_member(slug=Team.objects.earliest("pk").slug, username=gone.username, actor=admin.username)
    draft = drafted(author)
    actions = {"actions": [ACTION]}
    postmortems.save_draft(draft_id=draft.pk, step="actions", mine=actions, base={}, editor=author)
    open_one = incidents.declare_incident(
        title="Orders wait", service="checkout", severity="SEV-3", declared_by=author
    )
    drafts = [f"/postmortems/drafts/{draft.pk}/{step}" for step in (*content.STEPS, "history")]
    found: dict[str, list[str]] = defaultdict(list)
    found["stranger"] = [
        *("/sign-in", "/password-reset", "/password-reset/sent"),
        urlsplit(inviting.link(nonce)).path,
        f"/password-reset/{key}/{default_token_generator.make_token(gone)}",
    ]
    found[Role.RESPONDER] = [
        *drafts,
        *(f"/incidents/{open_one.pk}", f"/releases/{Release.objects.earliest('pk').number}"),
        *("/insights/new", "/actions/new", "/me/mail", "/search?q=checkout", "/contributions/robin"),
    ]
    robot = User.objects.get(username=cast.DETECTOR)
    closed = people.create_person(username="closed", email="closed@example.org", roles=[Role.VIEWER])
    closing.deactivate(person_id=closed.pk, actor=admin.username)
    pinning.pin(number=Release.objects.earliest("pk").number, author=author.username)
    found[Role.REVIEWER] = [f"/actions/{Verdict.objects.earliest('pk').action_id}/verdict"]
    found[Role.OPERATOR] = [f"/releases/{Release.objects.earliest('pk').number + 1}"]
    Quarantine.objects.create(
        person=gone,
        since=gone.date_joined,
        reason="Most of it is contradicted",
        checked=25,
        flips=20,
        rest_checked=75,
        rest_flips=1,
        p=1e-15,
        tested=4,
        labels=31,
    )
    found[Role.ADMIN] = [
        *(f"/admin/people/{person.pk}" for person in (gone, robot, closed)),
        *("/admin/people/service-account", "/services/checkout/edit"),
    ]
    return found


ACTION = {
    "id": "dd",
    "title": "Watch the pool",
    "owner": "robin",
    "due_on": "2027-01-31",
    "kind": "detect",
    "metric": "",
    "direction": "",
}


def browser(person: User | None, **more: Any) -> Client:
    """A browser of somebody, in which a failing view answers as it would to a stranger."""
    client = Client(raise_request_exception=False, **more)
    if person is not None:
        client.force_login(person, backend="apps.accounts.backends.LocalAccounts")
    return client


def route_of(url: str) -> str | None:
    """The route that answers an address; None for one that is none of ours."""
    try:
        return str(resolve(urlsplit(url).path).route)
    except Resolver404:
        return None


def crawl(client: Client, person: User | None, seeds: list[str], samples: int, many: int) -> Iterator[Seen]:
    """Pages and fragments that somebody reaches by links: `samples` of a route, `many` of those in MANY."""
    queue = deque((url, False) for url in seeds)
    known = set(queue)
    counts: Counter[tuple[str, bool, bool]] = Counter()
    while queue:
        url, fragment = queue.popleft()
        route = route_of(url)
        kind = (route or url, "?" in url, fragment)
        enough = 1 if kind[1] or fragment else many if route in MANY else samples
        if route is None or (counts[kind] >= enough and url not in seeds):
            continue
        counts[kind] += 1
        answer = client.get(url, headers={"HX-Request": "true"} if fragment else {}, follow=not fragment)
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        here = getattr(answer, "redirect_chain", [])[-1][0] if getattr(answer, "redirect_chain", []) else url
        root = tree(answer.content.decode())
        yield Seen(person, here, route, answer.status_code, dict(answer.headers), root, fragment)
        for link in links(root, here):
            if link not in known:
                known.add(link)
                queue.append(link)


def links(root: Node, here: str) -> list[tuple[str, bool]]:
    """(address, whether it is a fragment) of all that a page leads to within this installation."""
    found = []
    for node in root.walk():
        for name in {"href", "hx-get"} & node.attrs.keys():
            parts = urlsplit(urljoin(here, node.attrs[name]))
            if node.tag in {"link", "use"} or parts.netloc or parts.scheme or "download" in node.attrs:
                continue
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            if parts.path and not path.startswith(SKIPPED):
                found.append((path, name == "hx-get"))
    return found


def _keep(world: World, seen: Seen, cookie: str) -> None:
    """Keep each form once for each set of fields and choice of doing."""
    for form in forms(seen.root, seen.url):
        path = urljoin(seen.url, form.action)
        route = route_of(path)
        if route is None:
            raise AssertionError(f"{seen.url} has a form that leads to {path}, which is no page")
        key = route if form.method == "post" else f"get {route}"
        same = {_shape(known.form) for known in world.forms[key]}
        if _shape(form) not in same:
            world.forms[key].append(Found(seen.person, cookie, seen.url, form, path, route))


def _shape(form: Form) -> tuple[str, ...]:
    """The fields of a form, rows of lists counted once."""
    names = {re.sub(r"-[a-z0-9]{2,16}-", "-*-", name) for name in form.controls}
    return tuple(sorted(names - {"csrfmiddlewaretoken"}))

"""Every list: the same number of queries however long, every row exactly once over its pages, and no filter
or cursor that breaks it."""

from __future__ import annotations

import itertools
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts import teams, tokens
from apps.accounts.models import Role
from apps.catalog.models import Service
from apps.features.models import FeatureUse
from apps.notices import services as notices
from apps.telemetry.services import ensure_series
from tests.actions.making import opened
from tests.features.support import make_release
from tests.incidents.making import declare, whole
from tests.insights.making import propose
from tests.people import make_person
from tests.postmortems.making import drafted, filed

from .markup import tree
from .world import browser

if TYPE_CHECKING:
    from django.test import Client

pytestmark = [pytest.mark.slow, pytest.mark.page, pytest.mark.django_db, pytest.mark.timeout(600)]

FEW, MANY = 3, 30
_numbers = itertools.count(1)
# Lists, also narrowed; {…} are things that `Rows` made first.
LISTS = (
    "/",
    "/incidents",
    "/incidents?service=checkout&kind=incident&is=open&origin=own&q=slow",
    "/incidents/{incident}",
    "/incidents/{incident}/postmortems",
    "/incidents/series?service=checkout",
    "/postmortems",
    "/postmortems?q=pool&service=checkout&trigger=config_push&detection=customer_report",
    "/postmortems/new",
    "/postmortems/{postmortem}",
    "/postmortems/{postmortem}/insights",
    "/postmortems/drafts/{draft}/what",
    "/postmortems/drafts/{draft}/actions",
    "/postmortems/drafts/{draft}/history",
    "/insights",
    "/insights?text=alarm&state=proposed&service=checkout&kind=theta_scale",
    "/insights/new",
    "/insights/{insight}",
    "/insights/{insight}/verdicts",
    "/lessons/{insight}",
    "/queue",
    "/releases",
    "/releases/{release}",
    "/consumers",
    "/actions",
    "/actions?who=all",
    "/actions?who=all&state=open&service=checkout",
    "/actions/{action}",
    "/actions/new",
    "/services",
    "/services?all=1",
    "/services?q=serv",
    "/services/checkout",
    "/series",
    "/series?q=checkout",
    "/search?q=o",
    "/notices",
    "/admin/people",
    "/admin/people?state=all&q=a",
    "/admin/people/{bot}",
    "/admin/people/invite",
    "/admin/teams",
    "/admin/teams/crowd",
    "/me",
    "/me/tokens",
    "/vocabularies",
)
# Lists in pages: the address, and what the link or the text of each row matches.
PAGED = (
    ("/incidents", r'href="/incidents/(\d+)"'),
    ("/postmortems", r'href="/postmortems/(\d+)"'),
    ("/insights", r'href="/insights/(\d+)"'),
    ("/releases", r'href="/releases/(\d+)"'),
    ("/actions?who=all", r'href="/actions/(\d+)"'),
    ("/services?all=1", r'href="/services/([^"/]+)"'),
    ("/series", r'href="/series/([^"]+)"'),
    ("/notices", r'action="/notices/(\d+)/open"'),
    ("/admin/people?state=all", r'href="/admin/people/(\d+)"'),
    ("/admin/teams", r'href="/admin/teams/([^"/]+)"'),
    ("/admin/teams/crowd", r"members/(\d+)/remove"),
    ("/me/tokens", r"/me/tokens/(\d+)/revoke"),
    ("/consumers", r"detector-(\d+)\b"),
)
BROKEN = (
    "",
    "\x00",
    "abc",
    "-1",
    "0",
    "1e3",
    "9" * 30,
    "W10",
    "W251bGxd",
    "x" * 5000,
    "\u202e\U0001d54fé",
    "%ED%A0%80",
)
# What else an address may say, by page.
READS = {
    "/insights/new": ("recommendation", "postmortem", "first", "last", "series"),
    "/actions/new": ("insight", "postmortem", "service", "title", "metric", "direction"),
    "/incidents/new": ("service", "kind"),
    "/incidents/series": ("service", "series"),
    "/postmortems/new": ("incident",),
    "/postmortems/drafts/{draft}/what": ("check",),
    "/series/checkout/metric1": ("span", "from", "to"),
    "/insights/{insight}/evidence": ("served",),
    "/consumers": ("consumer", "release"),
    "/services": ("all", "q"),
    "/search": ("q",),
}


class Rows:
    """Makes rows of every kind, seen by one mighty person, and keeps one of each."""

    def __init__(self) -> None:
        self.person = make_person("mighty", *Role.values)
        self.bot = make_person("bot", is_service=True)
        teams.create(name="Crowd", actor="mighty")
        self.first: dict[str, Any] = {}

    def add(self, count: int) -> None:
        for _ in range(count):
            self._one(next(_numbers))
        self.first.setdefault("bot", self.bot.pk)

    def _one(self, number: int) -> None:
        mine = self.person
        series = f"checkout/metric{number}"
        ensure_series(series)
        Service.objects.create(slug=f"serv{number}")
        incident = declare(mine, title=f"Slow {number}", times=whole(number / 100), series=[series])
        declare(mine, title=f"Slow and open {number}", state="investigating")
        known = self.first.get("incident")
        review = filed(mine, title=f"Pool {number}", incident_id=known or incident.pk)
        draft = drafted(mine)
        insight = propose(scope={"series": [series]}, title=f"Alarm {number}")
        action = opened(owner=mine, created_by=mine, service=Service.objects.get(slug="checkout"))
        opened(postmortem_id=self.first.get("postmortem", review.pk), title=f"Follow {number}")
        release = make_release({series: {"theta_log2": 1.0}})
        colleague = make_person(f"colleague-of-{number}", Role.VIEWER)
        teams.create(name=f"Team {number}", actor="mighty")
        teams.add_member(slug="crowd", username=colleague.username, actor="mighty")
        for owner in (mine, self.bot):
            tokens.issue(user=owner, name=f"token {number}", scopes=["api"], expires_in=timedelta(days=1))
        notices.tell(people=[mine], kind="test.kind", title=f"News {number}", key=f"test:{number}")
        moment = timezone.now() + timedelta(seconds=number)
        FeatureUse.objects.create(
            consumer=f"detector-{number}", feature_service="insight_signals", release=release.number,
            reads=1, first_at=moment, last_at=moment,
        )  # fmt: skip
        made = {"incident": incident, "postmortem": review, "draft": draft, "insight": insight}
        for name, row in (made | {"action": action, "release": release}).items():
            self.first.setdefault(name, row.pk)


@pytest.fixture
def rows() -> Rows:
    made = Rows()
    made.add(FEW)
    return made


def costs(client: Client, urls: list[str]) -> dict[str, tuple[int, list[str]]]:
    found = {}
    for url in urls:
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(url)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        found[url] = (len(queries), [query["sql"] for query in queries])
    return found


def test_lists_cost_the_same_however_long_they_are(rows: Rows) -> None:
    urls = [url.format(**rows.first) for url in LISTS]
    client = browser(rows.person)
    few = costs(client, urls)
    rows.add(MANY - FEW)
    many = costs(client, urls)
    table = [f"{url}: {few[url][0]} queries with few rows, {many[url][0]} with many" for url in urls]
    grown = [line for line, url in zip(table, urls, strict=True) if many[url][0] != few[url][0]]
    assert not grown, "\n".join(["", *grown])


def test_every_row_stands_once_on_the_pages_of_its_list(rows: Rows) -> None:
    rows.add(MANY - FEW)
    client = browser(rows.person)
    table = []
    for url, pattern in PAGED:
        whole_list = re.findall(pattern, main(client, f"{url}{'&' if '?' in url else '?'}limit=200"))
        wanted = set(whole_list)
        found: list[str] = []
        here: str | None = f"{url}{'&' if '?' in url else '?'}limit=7"
        pages = 0
        while here and pages < 100:
            pages += 1
            answer = client.get(here)
            assert answer.status_code == 200, here
            body = answer.content.decode()
            found += dict.fromkeys(re.findall(pattern, inner(body)))
            following = [
                node.attrs["href"] for node in tree(body).all("a") if node.attrs.get("rel") == "next"
            ]
            here = urljoin(here, following[0]) if following else None
        if len(wanted) < MANY - 1 or pages < 4:
            table.append(f"{url}: only {len(wanted)} rows on {pages} pages")
        if sorted(found) != sorted(wanted):
            twice = sorted({one for one in found if found.count(one) > 1})
            table.append(f"{url}: missing {sorted(wanted - set(found))[:5]}, twice {twice[:5]}")
    assert not table, "\n".join(["", *table])


def main(client: Client, url: str) -> str:
    return inner(client.get(url).content.decode())


def inner(body: str) -> str:
    return body.partition("<main")[2].partition("</main>")[0]


def test_no_value_in_an_address_breaks_a_page(rows: Rows) -> None:
    """Each field of each filter, and each thing that an address may say, with each kind of nonsense."""
    client = browser(rows.person)
    asked: dict[str, set[str]] = {url.format(**rows.first): {*names} for url, names in READS.items()}
    for url, _ in PAGED:
        fields = tree(client.get(url).content.decode()).all("input", "select")
        names = {node.attrs.get("name", "") for node in fields} - {"", "csrfmiddlewaretoken"}
        asked.setdefault(url.partition("?")[0], set()).update(names, {"cursor", "limit"})
    table = []
    for url, names in asked.items():
        for name, value in itertools.product(sorted(names), BROKEN):
            path = f"{url}?{name}={value if value.startswith('%') else quote(value)}"
            status = client.get(path).status_code
            if status not in {200, 404, 422}:
                table.append(f"{status} {path[:90]}")
    assert not table, "\n".join(["", *table])


def test_what_was_typed_into_a_filter_stays_there(rows: Rows) -> None:
    client = browser(rows.person)
    for url, name in (("/incidents", "q"), ("/postmortems", "q"), ("/insights", "text"), ("/series", "q")):
        answer = client.get(url, {name: 'odd "<word>'})
        fields = [n for n in tree(answer.content.decode()).all("input") if n.attrs.get("name") == name]
        assert 'odd "<word>' in [node.attrs.get("value") for node in fields], url

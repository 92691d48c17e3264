"""Forms and buttons that name what is not there, what is another's, and what cannot follow from the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from apps.accounts.models import ApiToken, Role, User
from apps.incidents.models import Incident
from apps.notices.models import Notice
from tests.people import make_token

from .attack import Try, faults, state
from .test_all_forms import filled
from .world import browser

if TYPE_CHECKING:
    from .world import World

pytestmark = [pytest.mark.slow, pytest.mark.page, pytest.mark.django_db, pytest.mark.timeout(600)]

NOBODY = "987654321"
# Route, field, what it says; {…} are ids of the world.
FOREIGN = (
    ("actions/new", "owner", NOBODY),
    ("actions/new", "owner", "{robot}"),
    ("actions/new", "owner", "{closed}"),
    ("actions/new", "insight_id", NOBODY),
    ("actions/new", "service", "no-such-service"),
    ("actions/<int:pk>/reassign", "owner", NOBODY),
    ("actions/<int:pk>/reassign", "owner", "{robot}"),
    ("actions/<int:pk>/reassign", "owner", "{closed}"),
    ("actions/<int:pk>/edit", "insight_id", NOBODY),
    ("admin/people/invite", "team", "no-such-team"),
    ("admin/people/invite", "roles", "emperor"),
    ("admin/people/<int:pk>/roles", "roles", "emperor"),
    ("admin/people/service-account", "team", "no-such-team"),
    ("admin/teams/<slug:slug>/members", "username", "nobody-at-all"),
    ("admin/teams", "name", "Shop reliability"),
    ("incidents/new", "series", "no/such_series"),
    ("incidents/new", "severity", "SEV-99"),
    ("incidents/<int:pk>/edit", "series", "no/such_series"),
    ("insights/new", "scope_series", "no/such_series"),
    ("insights/new", "postmortem", NOBODY),
    ("insights/<int:pk>/revise", "scope_series", "no/such_series"),
    ("services/<str:slug>/edit", "owner", "no-such-team"),
    ("services/<str:slug>/edit", "tier", "tier_99"),
    ("me/tokens", "scopes", "everything"),
    ("postmortems/drafts/<int:pk>/<str:step>", "incident", NOBODY),
    ("postmortems/drafts/<int:pk>/<str:step>", "actions-dd-owner", "nobody-at-all"),
    ("postmortems/drafts/<int:pk>/<str:step>", "recommendations-cc-cites", "zz"),
)
# Route, field and a time that comes before what it follows, or a day that is over.
TOO_EARLY = (
    ("incidents/new", "resolved_at", "2026-11-01T09:00"),
    ("incidents/new", "mitigated_at", "2026-11-01T09:00"),
    ("incidents/new", "detected_at", "2999-01-01T00:00"),
    ("incidents/new", "impact_start_at", "0001-01-01T00:00"),
    ("insights/new", "expires_on", "2020-01-01"),
    ("insights/<int:pk>/revise", "expires_on", "0001-01-01"),
)


@pytest.mark.parametrize(("route", "field", "value"), [*FOREIGN, *TOO_EARLY])
def test_what_is_foreign_or_too_early_is_refused_at_its_field(
    world: World, route: str, field: str, value: str
) -> None:
    robot = User.objects.filter(is_service=True).earliest("pk")
    closed = User.objects.filter(is_active=False).earliest("pk")
    value = value.format(robot=robot.pk, closed=closed.pk)
    found = next(one for one in world.forms[route] if field in one.form.controls)
    report = faults(found, filled(found), Try(field, value, [value]), state())
    assert not report, report


def test_a_merge_into_itself_or_into_nothing_is_refused_at_its_field(world: World) -> None:
    found = world.forms["incidents/<int:pk>/state"][0]
    mine = found.path.split("/")[2]
    values = {**found.form.values(), "state": ["merged"], "note": ["The same."]}
    for value in (mine, NOBODY, ""):
        report = faults(found, values, Try("merged_into", value, [value]), state())
        assert not report, report
    assert Incident.objects.filter(pk=mine).exists()


def test_the_tokens_of_others_are_not_mine_to_end(world: World) -> None:
    make_token(world.people[Role.REVIEWER])
    token = ApiToken.objects.latest("pk")
    answer = browser(world.people[Role.RESPONDER]).post(f"/me/tokens/{token.pk}/revoke")
    assert answer.status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_the_notices_of_others_stay_unread(world: World) -> None:
    client = browser(world.people[Role.VIEWER])
    notice = Notice.objects.exclude(person=world.people[Role.VIEWER]).filter(is_read=False).earliest("pk")
    for deed in ("open", "read"):
        assert client.post(f"/notices/{notice.pk}/{deed}").status_code == 404
    notice.refresh_from_db()
    assert not notice.is_read


def test_who_only_reads_writes_nothing(world: World) -> None:
    """Forms of others, sent by a viewer, are refused with 403 unless they are about the viewer's own."""
    client = browser(world.people[Role.VIEWER])
    own = ("me", "notices", "sign-", "password-reset", "invitation")
    before = state()
    table = [
        f"{found.path}: {status}"
        for route, forms in world.forms.items()
        if not route.startswith(("get ", *own))
        for found in forms[:1]
        if (status := client.post(found.path).status_code) != 403
    ]
    changed = [row[0] for row, was in zip(state(), before, strict=True) if row != was]
    assert not table, "\n".join(["", *table])
    assert not changed

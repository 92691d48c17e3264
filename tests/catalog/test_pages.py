"""Vocabularies to read, and the small form of a service."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, Team
from apps.audit.models import AuditRecord
from apps.catalog import services
from apps.catalog.models import Service, Term
from apps.common.errors import InvalidInputError, NotFoundError
from tests.people import make_person

pytestmark = [pytest.mark.page, pytest.mark.django_db]


@pytest.fixture
def service() -> Service:
    return services.ensure_service("checkout")


def signed_in(*roles: str) -> Client:
    client = Client()
    client.force_login(make_person("ann", *roles))
    return client


def test_every_term_is_defined_under_its_anchor() -> None:
    body = unescape(signed_in().get("/vocabularies").content.decode())
    for term in Term.objects.all():
        assert f'id="{term.vocabulary_id}-{term.code}"' in body
        assert term.definition in body
    anchors = re.findall(r'id="([^"]+)"', body)
    assert len(anchors) == len(set(anchors))


def test_the_vocabularies_cost_the_same_for_more_terms() -> None:
    client = signed_in()
    before = client.get("/vocabularies").headers["Server-Timing"]
    for number in range(10):
        Term.objects.create(vocabulary_id="severity", code=f"x{number}", label="x", definition="x")
    assert client.get("/vocabularies").headers["Server-Timing"] == before


def test_factors_tell_technical_ones_from_others() -> None:
    groups = dict(Term.objects.filter(vocabulary="contributing_factor").values_list("code", "group"))
    assert set(groups.values()) == {"technical", "human", "organisational"}
    assert groups["confirmation_bias"] == "human"
    assert groups["knowledge_silo"] == "organisational"
    assert groups["technical_debt"] == "technical"


def test_a_keeper_describes_a_service(service: Service) -> None:
    team = Team.objects.create(slug="payments", name="Payments")
    client = signed_in(Role.PROGRAMME_OWNER)
    assert client.get("/services/checkout/edit").status_code == 200
    answer = client.post(
        "/services/checkout/edit", {"name": " Checkout ", "tier": "tier_0", "owner": "payments"}
    )
    assert (answer.status_code, answer["Location"]) == (302, "/services/checkout")
    service.refresh_from_db()
    assert (service.name, service.tier and service.tier.code, service.owner) == ("Checkout", "tier_0", team)
    assert AuditRecord.objects.filter(action="service_edited", object_id="checkout").count() == 1
    client.post("/services/checkout/edit", {"name": "", "tier": "", "owner": ""})
    service.refresh_from_db()
    assert (service.name, service.tier, service.owner) == ("", None, None)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("name", "x" * 121, "at most 120"),
        ("name", "a\x00b", "Null characters"),
        ("name", "a\u200bb", "visible characters"),
        ("tier", "SEV-1", "Select a valid choice"),
        ("owner", "nobody", "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(service: Service, field: str, value: str, says: str) -> None:
    sent = {"name": "Kept name", "tier": "tier_1", "owner": "", field: value}
    answer = signed_in(Role.ADMIN).post("/services/checkout/edit", sent)
    body = unescape(answer.content.decode())
    assert answer.status_code == 422
    wrong = re.search(rf'id="id_{field}_error".*?</div>', body, re.DOTALL)
    assert wrong
    assert says in wrong[0]
    assert sent["name"].replace("\x00", "\ufffd") in body.replace("\x00", "\ufffd")
    service.refresh_from_db()
    assert (service.name, service.tier) == ("", None)


def test_others_may_not_and_what_is_not_there_is_not_found(service: Service) -> None:
    assert signed_in(Role.RESPONDER).get("/services/checkout/edit").status_code == 403
    keeper = Client()
    keeper.force_login(make_person("kim", Role.ADMIN))
    assert keeper.get("/services/unknown/edit").status_code == 404
    assert keeper.get("/services/a%00b/edit").status_code == 404


def test_the_service_function_refuses_what_the_form_would(service: Service) -> None:
    editor = make_person("kim", Role.ADMIN)
    given: dict[str, Any] = {"slug": "checkout", "name": "", "tier": "", "owner": "", "editor": editor}
    for wrong, field in ({"tier": "SEV-1"}, "tier"), ({"owner": "x"}, "owner"), ({"name": "\n"}, "name"):
        with pytest.raises(InvalidInputError) as caught:
            services.edit_service(**{**given, **wrong})
        assert caught.value.field == field
    with pytest.raises(NotFoundError):
        services.edit_service(**{**given, "slug": "unknown"})


def test_a_retired_tier_stays_where_it_stood(service: Service) -> None:
    editor = make_person("kim", Role.ADMIN)
    given: dict[str, Any] = {"name": "", "tier": "tier_3", "owner": "", "editor": editor}
    services.edit_service(slug="checkout", **given)
    Term.objects.filter(code="tier_3").update(retired=True)
    services.edit_service(slug="checkout", **{**given, "name": "Checkout"})
    services.ensure_service("web")
    with pytest.raises(InvalidInputError):
        services.edit_service(slug="web", **given)

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps as registry
from django.db import DatabaseError, IntegrityError, connection, transaction

from apps.accounts.models import Team
from apps.catalog.models import Service, Term, Vocabulary
from apps.catalog.services import ServiceNameError, ensure_service
from tests.audit.conftest import in_threads
from tests.people import Api, api_of, make_person

pytestmark = [pytest.mark.api, pytest.mark.django_db]

vocabularies = import_module("apps.catalog.migrations.0002_vocabularies")
of_reviews = import_module("apps.catalog.migrations.0004_people_and_time")


@pytest.fixture
def api() -> Api:
    # Tests with real transactions empty the tables; the migration's own function fills them again.
    vocabularies.load(registry, None)
    of_reviews.load(registry, None)
    return api_of(make_person("ann"))


def test_a_service_is_made_once() -> None:
    assert ensure_service("checkout") == ensure_service("checkout")
    assert Service.objects.count() == 1


@pytest.mark.parametrize("slug", ["realAWSCloudWatch", "a b", "zoë", "x" * 80, "a.b-c_d", "支付"])
def test_names_of_imported_folders_are_names_of_services(slug: str) -> None:
    assert ensure_service(slug).slug == slug


def test_composed_and_decomposed_letters_are_the_same_name() -> None:
    assert ensure_service("zoe\u0308") == ensure_service("zoë")


@pytest.mark.parametrize(
    "slug", ["", " a", "a ", "a/b", "a\\b", ".", "..", "a\nb", "a\x00", "x" * 81, "\ud800"]
)
def test_what_no_address_could_carry_is_no_name(slug: str) -> None:
    with pytest.raises(ServiceNameError) as caught:
        ensure_service(slug)
    assert caught.value.field == "service"


@pytest.mark.parametrize("slug", ["", " a", "a/b", "..", "a\\b"])
def test_the_database_refuses_such_names_too(slug: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Service.objects.create(slug=slug)


@pytest.mark.django_db(transaction=True)
def test_eight_first_mentions_at_once_make_one_service() -> None:
    made = in_threads(8, lambda _: ensure_service("checkout").pk)
    assert len(set(made)) == 1


def test_services_are_listed_by_name_with_tier_and_owner(api: Api) -> None:
    tier = Term.objects.get(vocabulary="service_tier", code="tier_0")
    team = Team.objects.create(slug="payments", name="Payments")
    Service.objects.create(slug="web")
    Service.objects.create(slug="checkout", name="Checkout", tier=tier, owner=team)
    assert api.send("GET", "/api/v1/services").json() == {
        "items": [
            {"slug": "checkout", "name": "Checkout", "tier": "tier_0", "owner": "payments"},
            {"slug": "web", "name": "", "tier": None, "owner": None},
        ],
        "next": None,
    }


def test_only_a_tier_can_be_a_tier(api: Api) -> None:
    severity = Term.objects.get(vocabulary="severity", code="SEV-1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Service.objects.create(slug="web", tier=severity)


def test_every_vocabulary_is_served_with_definitions(api: Api, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(3):  # the token with its person, the vocabularies, their terms
        found = api.send("GET", "/api/v1/vocabularies").json()["items"]
    assert {vocabulary["slug"]: len(vocabulary["terms"]) for vocabulary in found} == {
        "action_type": 6,
        "confidence": 3,
        "contributing_factor": 33,
        "detection": 10,
        "failure_mode": 25,
        "monitoring_gap": 7,
        "remediation": 20,
        "service_tier": 4,
        "severity": 7,
        "slow_mitigation": 7,
        "time_precision": 4,
        "timing": 9,
        "tlp": 5,
        "trigger": 21,
    }
    severity = next(vocabulary for vocabulary in found if vocabulary["slug"] == "severity")
    assert [term["code"] for term in severity["terms"]] == [
        "SEV-0",
        "SEV-1",
        "SEV-2",
        "SEV-3",
        "SEV-4",
        "SEV-5",
        "UNKNOWN",
    ]
    assert all(term["definition"] and term["label"] for vocabulary in found for term in vocabulary["terms"])


def test_loading_the_vocabularies_again_changes_nothing(api: Api) -> None:
    Term.objects.filter(code="SEV-1").update(label="Ours")
    count = Term.objects.count()
    vocabularies.load(registry, None)
    of_reviews.load(registry, None)
    assert Term.objects.count() == count
    assert Term.objects.get(code="SEV-1").label == "Ours"


def test_a_code_can_be_retired_but_neither_deleted_nor_renamed(api: Api) -> None:
    Term.objects.filter(code="SEV-5").update(retired=True)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM catalog_term WHERE code = 'SEV-5'")
    with pytest.raises(DatabaseError), transaction.atomic():
        Term.objects.filter(code="SEV-5").update(code="SEV-6")
    with pytest.raises(DatabaseError), transaction.atomic():
        Vocabulary.objects.filter(slug="severity").delete()
    assert Term.objects.get(code="SEV-5").retired is True

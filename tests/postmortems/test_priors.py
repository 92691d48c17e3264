"""What reviews teach of failures: priors by service, and what ended them by mode and tier."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps
from django.utils import timezone

from apps.audit import outbox
from apps.audit.models import Outbox
from apps.common.errors import require
from apps.features import facts
from apps.features.models import FactRow
from apps.incidents.attempts import tell_attempt
from apps.incidents.models import IncidentEvent
from apps.incidents.services import amend_incident, change_state
from apps.postmortems import priors
from tests.incidents.making import whole
from tests.people import make_person
from tests.postmortems.making import LABELS, filed, incident

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.incidents.models import Incident

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

MODES, REMEDIES = priors.MODES_VIEW, priors.REMEDIES_VIEW


def flagged(flag: str) -> dict[str, Any]:
    return {flag: True}


@pytest.fixture
def ann() -> User:
    return make_person("ann", "responder")


def reviewed(ann: User, *modes: str, remediation: str = "rollback", **more: Any) -> Incident:
    """An incident of an hour that was mitigated after half of it, and its review."""
    made = incident(ann, times=whole(), **more)
    labels = {**LABELS, "failure_mode": list(modes), "remediation": [remediation]}
    filed(ann, incident_id=made.pk, service=more.get("service", "checkout"), labels=labels)
    return made


def known(view: str, entity: str) -> dict[str, Any]:
    values = require(facts.current(view, entity), "the row").values
    return {
        column: json.loads(value) if column.endswith("_json") else value for column, value in values.items()
    }


def test_a_service_fails_as_it_failed_before_and_a_little_as_the_fleet_does(ann):
    reviewed(ann, "dns")
    reviewed(ann, "dns", "hardware")
    reviewed(ann, "time_bug", service="login")
    priors.put_all()
    found = known(MODES, "checkout")
    lines = {line["mode"]: line for line in found["modes_json"]}
    # fleet: (1.5 + .5) / (3 + 25 / 2) for dns; the service: (1.5 + 4 of those) / (2 + 4)
    fleet = 2.0 / 15.5
    assert lines["dns"] == {"mode": "dns", "n": 1.5, "chance": round((1.5 + 4 * fleet) / 6, 3)}
    assert lines["hardware"]["n"] == 0.5
    assert 0 < lines["time_bug"]["chance"] < lines["hardware"]["chance"]
    assert lines["code_defect"]["n"] == 0.0
    assert sum(line["chance"] for line in lines.values()) == pytest.approx(1, abs=0.02)
    assert (found["n_reviews"], found["prior_weight"], found["top_mode"]) == (2, 4.0, "dns")
    assert found["top_chance"] == lines["dns"]["chance"]


def test_what_ended_a_failure_is_counted_by_tier_with_its_time(ann):
    reviewed(ann, "dns")
    again = reviewed(ann, "dns")
    for state in ("resolved", "investigating"):
        change_state(incident_id=again.pk, state=state, actor=ann)
    late = reviewed(ann, "dns")
    change_state(incident_id=late.pk, state="resolved", actor=ann)
    IncidentEvent.objects.create(
        incident=late,
        version=9,
        kind="state",
        changes=[{"field": "state", "before": "resolved", "after": "investigating"}],
        by=ann,
        at=timezone.now() + timedelta(hours=25),
    )
    for reference, outcome in (("a", "failed"), ("b", "unknown")):
        tell_attempt(
            incident_id=late.pk,
            remediation="restart",
            automated=True,
            started_at=timezone.now(),
            reference=reference,
            outcome=outcome,
            by=ann,
        )
    open_one = incident(ann)
    filed(
        ann, incident_id=open_one.pk, labels={**LABELS, "failure_mode": ["dns"], "remediation": ["failover"]}
    )
    priors.put_all()
    for tier in ("tier_1", "any"):
        found = known(REMEDIES, f"dns/{tier}")
        assert found["n_reviews"] == 4
        rollback, failover, restart = found["remediations_json"]
        assert rollback["remediation"] == "rollback"
        assert (rollback["attempted"], rollback["succeeded"]) == (3, 2)
        assert (rollback["timed"], rollback["median_s"]) == (2, 1800.0)
        assert (restart["remediation"], restart["attempted"], restart["succeeded"]) == ("restart", 1, 0)
        assert rollback["low"] < 2 / 3 < rollback["high"]
        assert (failover["attempted"], failover["succeeded"], failover["median_s"]) == (1, 0, None)
        assert (found["top_remediation"], found["top_success_share"]) == ("rollback", pytest.approx(2 / 3))
        assert found["symptoms_json"] == {
            "trigger": {"config_push": 4}, "detection": {"customer_report": 4}, "timing": {"off_hours": 4},
        }  # fmt: skip
    assert facts.current(REMEDIES, "dns/tier_2") is None


@pytest.mark.parametrize("flag", ["is_drill", "is_holdout"])
def test_drills_and_hold_out_never_reach_the_priors_also_when_found_out_later(ann, flag):
    reviewed(ann, "dns", **flagged(flag))
    outbox.drain()
    assert not FactRow.objects.filter(view__in=[MODES, REMEDIES]).exists()
    reviewed(ann, "hardware")
    wrong = reviewed(ann, "time_bug")
    outbox.drain()
    before = require(facts.current(MODES, "checkout"), "the row")
    assert known(MODES, "checkout")["n_reviews"] == 2
    amend_incident(incident_id=wrong.pk, seen_version=1, editor=ann, **flagged(flag))
    outbox.drain()
    after = known(MODES, "checkout")
    assert (after["n_reviews"], after["top_mode"]) == (1, "hardware")
    assert {line["mode"] for line in after["modes_json"] if line["n"]} == {"hardware"}
    assert known(REMEDIES, "time_bug/tier_1") == {"n_reviews": 0}
    assert require(facts.current("service_history", "checkout"), "the row").values["n_reviews"] == 1
    before.refresh_from_db()  # the old row stays: who trained then saw this
    assert json.loads(before.values["modes_json"])[0]["n"] > 0


def test_when_the_last_review_goes_the_service_is_known_to_have_none(ann):
    only = reviewed(ann, "dns")
    priors.put_all()
    amend_incident(incident_id=only.pk, seen_version=1, editor=ann, is_drill=True)
    priors.put_all()
    assert known(MODES, "checkout") == {"n_reviews": 0}


def test_filing_asks_for_the_priors_once_and_the_worker_puts_them(ann):
    for mode in ("dns", "dns", "hardware"):
        reviewed(ann, mode)
    asked = Outbox.objects.filter(kind=priors.KIND)
    assert asked.count() == 3
    first = asked.order_by("pk")[0]
    priors.refresh(key=first.key, payload={})  # newer ones wait, and they will do it
    assert facts.current(MODES, "checkout") is None
    outbox.drain()
    assert known(MODES, "checkout")["n_reviews"] == 3
    assert FactRow.objects.filter(view=MODES).count() == 1
    priors.put_all()
    assert FactRow.objects.filter(view=MODES).count() == 1


def test_an_amended_review_counts_as_it_is_now(ann):
    made = incident(ann, times=whole())
    old = filed(ann, incident_id=made.pk, labels={**LABELS, "failure_mode": ["dns"]})
    priors.put_all()
    filed(ann, incident_id=made.pk, amends_id=old.pk, labels={**LABELS, "failure_mode": ["hardware"]})
    priors.put_all()
    assert known(MODES, "checkout")["top_mode"] == "hardware"
    assert known(REMEDIES, "dns/tier_1")["n_reviews"] == 0
    assert known(REMEDIES, "hardware/tier_1")["n_reviews"] == 1


def test_priors_of_reviews_from_before_are_asked_for_by_the_upgrade(ann):
    migration = import_module("apps.postmortems.migrations.0004_first_priors")
    migration.ask(apps, None)
    assert not Outbox.objects.filter(kind=priors.KIND).exists()
    reviewed(ann, "dns")
    Outbox.objects.all().delete()  # as if it had been filed by a version that asked for none
    for _ in range(2):
        migration.ask(apps, None)
    assert Outbox.objects.filter(kind=priors.KIND).count() == 1
    outbox.drain()
    assert known(MODES, "checkout")["top_mode"] == "dns"

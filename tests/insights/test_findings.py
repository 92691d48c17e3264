from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from apps.accounts.models import Role
from apps.audit.models import AuditRecord
from apps.common.errors import InvalidInputError
from apps.features import releases
from apps.features.models import Release
from apps.insights import composition, services
from apps.insights.models import Finding, Insight
from tests.insights.making import approve, draft, person, propose
from tests.reading import text_of

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency_p99"


def note(insight: Insight, reference: str = "1", **changes: Any) -> Finding:
    values: dict[str, Any] = {
        "source": "verdict",
        "outcome": "worse",
        "effect": 0.4,
        "low": 0.1,
        "high": 0.7,
        "p": 0.01,
        "n": 31,
        "method": "sign-flip test over service-days",
        "split_hash": "",
    } | changes
    return services.note_finding(insight, reference=reference, **values)


def served() -> float:
    confidence = releases.current()[SERIES].values["confidence"]
    assert isinstance(confidence, float)
    return confidence


def test_a_worse_finding_lowers_what_consumers_see_in_a_release_of_its_own():
    insight = approve(propose())  # by override: .8 * .5
    finding = note(insight)
    release = Release.objects.get(number=2)
    assert served() == pytest.approx(0.8 * 0.4)
    assert finding.release == 2
    assert (release.kind, release.author, release.manifest) == (
        "revise",
        "evidence",
        [{"insight": insight.pk, "revision": 1}],
    )
    assert "0.400 becomes 0.320" in release.reason
    source = releases.current()[SERIES].sources["theta_log2"]
    assert source["findings"] == {"improved": 0, "worse": 1}
    assert releases.current()[SERIES].values["theta_log2"] == 1.0
    assert AuditRecord.objects.get(action="finding_noted").content()["release"] == 2


def test_improvements_win_back_the_override_and_stop_at_what_was_declared():
    insight = approve(propose())
    for number in range(40):
        note(insight, str(number), outcome="improved")
    assert 0.7 < served() < 0.8


@pytest.mark.parametrize("outcome", ["no_evidence", "too_few_data"])
def test_what_tells_nothing_of_the_lesson_is_kept_and_moves_nothing(outcome):
    insight = approve(propose())
    finding = note(insight, outcome=outcome, n=0)
    assert (served(), finding.release, Release.objects.count()) == (0.4, None, 1)
    assert Finding.objects.get().outcome == outcome


def test_the_same_look_counts_once():
    insight = approve(propose())
    first, again = note(insight), note(insight, outcome="improved")
    assert (first.pk, again.outcome) == (again.pk, "worse")
    assert (Finding.objects.count(), Release.objects.count()) == (1, 2)


def test_looks_at_the_same_data_count_once_the_newest():
    insight = approve(propose())
    note(insight, "1", split_hash="a" * 64)
    note(insight, "2", split_hash="a" * 64)
    assert served() == pytest.approx(0.8 * 0.4)
    note(insight, "3", split_hash="b" * 64)
    assert served() == pytest.approx(0.8 * 2 / 6)


def test_before_it_is_served_a_finding_waits_for_the_release_that_serves_it():
    insight = propose()
    assert note(insight, source="shadow").release is None
    assert Release.objects.count() == 0
    approve(insight)
    assert served() == pytest.approx(0.8 * 0.4)


def test_new_words_do_not_shed_a_finding():
    insight = approve(propose())
    note(insight)
    services.revise_insight(
        insight_id=insight.pk, draft=draft(insight.author, title="Other words"), author=insight.author
    )
    approve(insight)
    assert Insight.objects.get().active_revision == 2
    assert served() == pytest.approx(0.8 * 0.4)


def test_of_a_withdrawn_insight_the_revision_that_was_served_is_noted():
    insight = approve(propose())
    services.withdraw_insight(insight_id=insight.pk, actor=person(Role.OPERATOR), reason="It hid one.")
    services.revise_insight(insight_id=insight.pk, draft=draft(insight.author), author=insight.author)
    finding = note(insight, source="prospective")
    assert finding.revision == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"source": "rumour"}, "source"),
        ({"outcome": "splendid"}, "outcome"),
        ({"reference": " "}, "reference"),
        ({"method": "m" * 201}, "method"),
        ({"n": 0}, "n"),
    ],
)
def test_what_is_no_finding_is_refused(changes, field):
    insight = approve(propose())
    with pytest.raises(InvalidInputError) as caught:
        note(insight, **changes)
    assert caught.value.field == field
    assert (Finding.objects.count(), Release.objects.count()) == (0, 1)


def test_infinite_figures_are_kept_as_unknown():
    finding = note(approve(propose()), high=float("inf"), effect=float("nan"))
    assert (finding.effect, finding.low, finding.high) == (None, 0.1, None)


def test_findings_are_never_changed():
    finding = note(approve(propose()))
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        Finding.objects.filter(pk=finding.pk).update(outcome="improved")
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        finding.delete()
    with pytest.raises(IntegrityError, match="finding_claims_rest_on_data"), transaction.atomic():
        Finding.objects.create(
            insight=finding.insight,
            revision=1,
            source="shadow",
            reference="9",
            outcome="worse",
            n=0,
            method="m",
        )


def test_the_arithmetic_of_an_unserved_revision_is_that_of_its_insight():
    insight = propose()
    note(insight, source="shadow", outcome="worse")
    revision = insight.revisions.get()
    assert composition.standing_of(revision).worse == 1


def test_the_card_shows_the_sum_and_the_findings(client):
    insight = approve(propose())
    note(insight)
    note(insight, "2", outcome="too_few_data", n=3, effect=None, low=None, high=None, p=None)
    client.force_login(person(Role.VIEWER))
    page = text_of(client.get(f"/insights/{insight.pk}"))
    assert "0.50 (acts by override of the gate)" in page
    assert "0.80 (findings) = 0.32" in page
    assert "Worse Verdict on an action sign-flip test over service-days, revision 1" in page
    assert "Too few data" in page

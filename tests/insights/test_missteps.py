from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import ProgrammingError, transaction

from apps.accounts.models import Role
from apps.features.models import Release
from apps.insights import errors, missteps, services
from apps.insights.models import Approval, GateResult, Insight, Misstep, Revision
from apps.telemetry.registry import ensure_series
from tests.insights.making import WHY, approve, draft, person, propose

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def rejected(**changes: Any) -> Insight:
    insight = propose(**changes)
    services.reject_insight(
        insight_id=insight.pk, reviewer=person(Role.REVIEWER), reason="It hides the batch."
    )
    return insight


def newest(insight: Insight) -> Revision:
    insight.refresh_from_db()
    return Revision.objects.get(insight=insight, number=insight.revision)


def near(insight: Insight) -> list[str]:
    return [row.why for row in missteps.near_revision(newest(insight))]


def test_a_rejection_is_shown_to_who_proposes_nearly_the_same():
    rejected()
    again = propose(signals=[{"kind": "theta_scale", "value": 1.4}])
    assert near(again) == ["rejected"]
    row = missteps.near_revision(newest(again))[0]
    assert (row.text, row.kind, row.series, row.services) == (
        "It hides the batch.",
        "theta_scale",
        ["checkout/latency_p99"],
        ["checkout"],
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"signals": [{"kind": "theta_scale", "value": 2.0}]},
        {"signals": [{"kind": "direction", "value": "up"}]},
        {"scope": "cart/errors"},
        {"scope": {"service": "cart"}},
        {"signals": [], "prose_reason": "No column for it."},
    ],
)
def test_another_value_kind_or_series_is_no_repetition(changes):
    ensure_series("cart/errors")
    rejected()
    assert near(propose(**changes)) == []


@pytest.mark.parametrize(
    "scope", [{"fleet": True}, {"service": "checkout"}, {"service": "checkout", "metric_family": "latency_p"}]
)
def test_a_wider_scope_meets_what_failed_on_one_of_its_series(scope):
    series = ensure_series("checkout/latency_p99")
    if "metric_family" in scope:
        scope = {**scope, "metric_family": series.metric_family}
    rejected()
    assert near(propose(scope=scope)) == ["rejected"]


def test_what_was_reopened_warns_nobody():
    first = rejected()
    services.reopen_insight(insight_id=first.pk, reviewer=person(Role.OPERATOR), reason="I misread it.")
    assert near(propose()) == []
    assert list(Misstep.objects.told().values_list("taken_back", flat=True)) == [True]


def test_a_revision_does_not_warn_of_itself_but_the_next_one_does():
    author = person(Role.RESPONDER)
    insight = rejected(author=author)
    assert near(insight) == []
    services.revise_insight(insight_id=insight.pk, draft=draft(author, title="Other words"), author=author)
    assert near(insight) == ["rejected"]


def test_a_failed_gate_counts_once_and_an_impossible_one_never():
    insight = propose()
    revision = newest(insight)
    assert Misstep.objects.count() == 0  # impossible: no telemetry
    failed = GateResult.objects.create(
        revision=revision,
        verdict="failed",
        reason="Two incidents lost.",
        report={},
        split_hash="a" * 64,
        data_hash="b" * 64,
        code="c" * 40,
    )
    missteps.gate_ran(failed)
    missteps.gate_ran(failed)
    assert [(row.why, row.text) for row in Misstep.objects.all()] == [("gate_failed", "Two incidents lost.")]


@pytest.mark.parametrize(
    ("source", "why"),
    [("verdict", "verdict_worse"), ("prospective", "prospective_worse"), ("shadow", "shadow_worse")],
)
def test_findings_of_harm_are_missteps_and_others_are_none(source, why):
    insight = approve(propose())
    values: dict[str, Any] = {
        "effect": 0.4,
        "low": 0.1,
        "high": 0.7,
        "p": 0.01,
        "n": 31,
        "method": "sign flip",
    }
    for number, outcome in enumerate(("improved", "no_evidence", "too_few_data", "worse")):
        services.note_finding(
            insight, source=source, reference=str(number), outcome=outcome, split_hash="", **values
        )
    again = propose(signals=[{"kind": "theta_scale", "value": 0.8}])
    assert near(again) == [why]
    assert "n = 31, effect +0.4 [+0.1, +0.7]" in Misstep.objects.get().text


def _try(insight: Insight, approver: User, *read: int) -> None:
    services.approve_insight(
        insight_id=insight.pk, approver=approver, override_reason=WHY, missteps_read=read
    )


def test_nobody_approves_without_having_read_it():
    rejected()
    again, reviewer, operator = propose(), person(Role.REVIEWER), person(Role.OPERATOR)
    with pytest.raises(errors.MisstepsUnreadError) as caught:
        _try(again, reviewer)
    assert caught.value.field == "missteps_read"
    row = Misstep.objects.get()
    assert str(row.pk) in str(caught.value.remedy)
    _try(again, reviewer, row.pk)
    with pytest.raises(errors.MisstepsUnreadError):
        _try(again, operator, row.pk + 1)
    assert (Approval.objects.count(), Release.objects.count()) == (1, 0)
    _try(again, operator, row.pk)
    assert Release.objects.count() == 1
    assert [approval.missteps_read for approval in Approval.objects.all()] == [[row.pk], [row.pk]]


def test_missteps_are_never_changed():
    rejected()
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        Misstep.objects.update(text="It was splendid.")


def test_many_revisions_cost_two_queries(django_assert_num_queries):
    rejected()
    for value in (0.6, 0.8, 1.2):
        propose(signals=[{"kind": "theta_scale", "value": value}], scope={"fleet": True})
    revisions = list(Revision.objects.prefetch_related("signals"))
    with django_assert_num_queries(2):
        found = missteps.near_revisions(revisions)
    assert [len(found[row.pk]) for row in revisions] == [0, 1, 1, 1]

"""One author, a hundred proposals, two approvers who approve whatever can be approved."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Role, User
from apps.analysis.influence import CAP_OTHER, CAP_SERIES, CAP_THETA, WINDOW_DAYS, movement
from apps.features import releases
from apps.features.models import Release
from apps.insights import errors, influence, services
from apps.insights.models import (
    Activation,
    Approval,
    Influence,
    InfluenceLift,
    Insight,
    Revision,
    ServedSignal,
)
from apps.telemetry.registry import ensure_series
from tests.insights.making import WHY, approve, draft, person, propose, read_all
from tests.people import api_of
from tests.reading import signed_in, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.common.errors import DomainError

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency_p99"


def scaled(value: float) -> list[dict[str, Any]]:
    return [{"kind": "theta_scale", "value": value}]


def test_a_hundred_adversarial_proposals_of_one_author_stay_within_the_bound():
    seeded = random.Random(36)  # noqa: S311  # not a secret
    honest, author = person(Role.RESPONDER), person(Role.RESPONDER)
    names = [f"svc{number % 3}/metric_{number}" for number in range(6)]
    for number, name in enumerate(names):
        ensure_series(name)
        approve(propose(honest, scope=name, signals=scaled(0.1 * number)))
    before = served()
    approvers = person(Role.REVIEWER), person(Role.OPERATOR)
    mine: list[Insight] = []
    for turn in range(100):
        change = {"scope": scope(seeded, names), "signals": adversarial(seeded)}
        if mine and turn % 3 == 0:  # also by revising what is served already
            insight = seeded.choice(mine)
            services.revise_insight(insight_id=insight.pk, draft=draft(author, **change), author=author)
        else:
            insight = propose(author, **change)
        if carelessly_approved(insight, approvers):
            mine.append(insight)
        now = served()
        for name in names:
            moved = movement(before.get(name, {}), now.get(name, {}))
            assert moved.theta <= CAP_THETA + 1e-9
            assert moved.other <= CAP_OTHER + 1e-9
    assert mine  # they were not all refused: the bound held by itself
    assert any(before[name] != now[name] for name in names)


def scope(seeded: random.Random, names: list[str]) -> Any:
    return seeded.choice([*names, {"fleet": True}, {"service": "svc1"}])


def adversarial(seeded: random.Random) -> list[dict[str, Any]]:
    silence = {"rrule": "FREQ=DAILY;BYHOUR=0;BYMINUTE=0", "duration": 36_000, "reason": "trust me"}
    kinds: dict[str, list[Any]] = {
        "theta_scale": [3.0, 2.0, 1.9, 0.7, -2.0],
        "min_effect": [{"rel": 1000.0}, {"rel": 0.9}, {"abs": 1e9}],
        "persistence": [{"k": 9, "n": 9}, {"k": 4, "n": 4}],
        "direction": ["up", "down"],
        "hard_limit": [{"lo": 1e9}, {"hi": -1e9}],
        "suppress": [silence],
    }
    chosen = seeded.sample(sorted(kinds), seeded.choice([1, 1, 2]))
    return [{"kind": kind, "value": seeded.choice(kinds[kind])} for kind in chosen]


def carelessly_approved(insight: Insight, approvers: tuple[User, User]) -> bool:
    try:
        for approver in approvers:
            services.approve_insight(
                insight_id=insight.pk, approver=approver, override_reason=WHY, missteps_read=read_all(insight)
            )
    except errors.InfluenceCapError:
        return False
    return True


def served() -> Mapping[str, Mapping[str, Any]]:
    return {name: content.values for name, content in releases.current().items()}


# --- the rule, step by step -----------------------------------------------------------------------
def over_the_cap(author: User) -> Insight:
    """A second insight that takes the author 2.5 doublings from where they began."""
    approve(propose(author, signals=scaled(1.5)))
    return propose(author, signals=scaled(0.5))


def test_beyond_the_bound_the_refusal_says_who_what_and_how_far():
    author = person(Role.RESPONDER)
    second = over_the_cap(author)
    with pytest.raises(errors.InfluenceCapError) as caught:
        approve(second)
    assert caught.value.field == "influence"
    assert str(caught.value.detail) == (
        f"{author.name} would have moved the threshold of {SERIES} by 2.50 doublings within 28 days; "
        "the bound is 2."
    )
    assert (Approval.objects.filter(revision__insight=second).count(), Release.objects.count()) == (0, 1)


def test_somebody_else_may_still_move_it_and_the_window_rolls_on(time_machine):
    author = person(Role.RESPONDER)
    second = over_the_cap(author)
    approve(propose(person(Role.RESPONDER), signals=scaled(0.4)))
    time_machine.move_to(timezone.now() + timedelta(days=WINDOW_DAYS, minutes=1))
    approve(second)
    assert Release.objects.count() == 3


def test_every_author_of_an_insight_is_charged():
    first, reviser = person(Role.RESPONDER), person(Role.RESPONDER)
    insight = propose(first, signals=scaled(1.5))
    services.revise_insight(insight_id=insight.pk, draft=draft(reviser, signals=scaled(1.5)), author=reviser)
    approve(insight)
    charged = Influence.objects.values_list("author", "series", "theta")
    assert set(charged) == {(first.pk, SERIES, 1.5), (reviser.pk, SERIES, 1.5)}
    with pytest.raises(errors.InfluenceCapError):
        approve(propose(first, signals=scaled(0.5)))


def test_an_operator_who_is_no_approver_lifts_the_cap():
    author, lifter = person(Role.RESPONDER), person(Role.OPERATOR)
    second = over_the_cap(author)
    lift = services.lift_cap(insight_id=second.pk, operator=lifter, reason="The old threshold was a typo.")
    assert (lift.operator, lift.reason) == (lifter, "The old threshold was a typo.")
    with pytest.raises(errors.AlreadyApprovedError):
        approve(second, lifter)
    with pytest.raises(IntegrityError, match="who lifted its cap cannot approve"), transaction.atomic():
        Approval.objects.create(revision=second.revisions.get(), approver=lifter, as_operator=True)
    approve(second)
    assert releases.current()[SERIES].values["theta_log2"] == 0.5
    approve(propose(author, signals=scaled(0.9)))  # 1.5 and 0.4: what was let through counts for nobody
    with pytest.raises(errors.InfluenceCapError, match=r"by 2\.10 doublings"):
        approve(propose(author, signals=scaled(1.1)))


def test_who_may_not_lift_it():
    author, approver = person(Role.RESPONDER, Role.OPERATOR), person(Role.OPERATOR)
    approve(propose(author, signals=scaled(1.0)))
    second = propose(author, signals=scaled(0.5))
    services.approve_insight(insight_id=second.pk, approver=approver, override_reason=WHY)
    refusals: list[tuple[User, type[DomainError]]] = [
        (author, errors.SelfApprovalError),
        (approver, errors.AlreadyApprovedError),
        (person(Role.REVIEWER), errors.RoleRequiredError),
        (person(Role.OPERATOR), errors.AlreadyDecidedError),  # nothing is above the caps
    ]
    for somebody, error in refusals:
        with pytest.raises(error):
            services.lift_cap(insight_id=second.pk, operator=somebody, reason="please")
    with pytest.raises(IntegrityError, match="an approver cannot lift"), transaction.atomic():
        InfluenceLift.objects.create(revision=second.revisions.get(), operator=approver, reason="please")
    with pytest.raises(IntegrityError, match="an author cannot lift"), transaction.atomic():
        InfluenceLift.objects.create(revision=second.revisions.get(), operator=author, reason="please")
    assert InfluenceLift.objects.count() == 0


def test_one_author_moves_no_more_series_than_the_cap():
    author = person(Role.RESPONDER)
    for number in range(CAP_SERIES + 1):
        ensure_series(f"wide/metric_{number}")
    with pytest.raises(errors.InfluenceCapError, match=f"moved {CAP_SERIES + 1} series"):
        approve(propose(author, scope={"fleet": True}, signals=scaled(0.1)))
    some = [f"wide/metric_{number}" for number in range(CAP_SERIES)]
    approve(propose(author, scope={"series": some}, signals=scaled(0.1)))
    assert Activation.objects.count() == 1


# --- the database itself keeps the rule -----------------------------------------------------------
def test_the_database_refuses_what_passes_the_cap():
    author = person(Role.RESPONDER)
    second = over_the_cap(author)
    revision = second.revisions.get()
    at = timezone.now()
    with pytest.raises(IntegrityError, match="moves more than the cap allows"), transaction.atomic():
        Influence.objects.create(revision=revision, author=author, series=SERIES, theta=1.0, other=0, at=at)
    with pytest.raises(IntegrityError, match="moves more than the cap allows"), transaction.atomic():
        Influence.objects.bulk_create(
            Influence(revision=revision, author=author, series=f"s/{n}", theta=0, other=0, at=at)
            for n in range(CAP_SERIES + 1)
        )
    Influence.objects.create(revision=revision, author=author, series=SERIES, theta=0.5, other=0, at=at)


def test_the_database_serves_nothing_that_nobody_was_charged_for():
    insight = propose()
    signal = Revision.objects.get(insight=insight).signals.get()
    with pytest.raises(IntegrityError, match="nobody is charged"), transaction.atomic():
        ServedSignal.objects.create(series=SERIES, signal=signal, insight=insight, specificity=3)


def test_weighing_costs_the_same_however_wide_the_scope(django_assert_num_queries):
    ensure_series("wide/metric_0")
    insight = propose(scope={"fleet": True}, signals=scaled(0.5))
    revision = insight.revisions.get()
    influence.weigh(insight, revision)
    with django_assert_num_queries(9) as counted:
        influence.weigh(insight, Revision.objects.get(pk=revision.pk))
    for number in range(1, 20):
        ensure_series(f"wide/metric_{number}")
    with django_assert_num_queries(len(counted)):
        influence.weigh(insight, Revision.objects.get(pk=revision.pk))


# --- the page and the API -------------------------------------------------------------------------
def test_the_card_prints_the_bound_and_an_operator_lifts_it_there():
    second = over_the_cap(person(Role.RESPONDER))
    browser = signed_in(person(Role.OPERATOR))
    page = text_of(browser.get(f"/insights/{second.pk}"))
    assert influence.BOUND in page
    assert "the bound is 2." in page
    assert "Lift the bound for this revision" not in text_of(
        signed_in(person(Role.REVIEWER)).get(f"/insights/{second.pk}")
    )
    path = f"/insights/{second.pk}/lift-cap"
    assert browser.post(path, {"revision": 1, "reason": " "}).status_code == 422
    assert browser.post(path, {"revision": 1, "reason": "A typo."}).status_code == 302
    assert "Lifted by" in text_of(browser.get(f"/insights/{second.pk}"))


def test_the_api_refuses_with_the_reason_and_lifts():
    second = over_the_cap(person(Role.RESPONDER))
    path = f"/api/v1/insights/{second.pk}"
    refused = api_of(person(Role.REVIEWER)).send("POST", f"{path}/approve", {"override_reason": WHY})
    assert (refused.status_code, refused.json()["code"]) == (409, "influence_cap")
    operator = api_of(person(Role.OPERATOR))
    assert operator.send("POST", f"{path}/lift-cap", {"reason": "A typo."}).status_code == 200
    assert InfluenceLift.objects.get().reason == "A typo."


def test_the_readme_states_the_bound():
    readme = (Path(influence.__file__).parent / "README.md").read_text()
    assert influence.BOUND in " ".join(readme.split())

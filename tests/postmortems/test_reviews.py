from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from apps.actions.models import ActionItem
from apps.audit import ledger
from apps.catalog.models import Term
from apps.features import facts
from apps.postmortems.errors import AlreadyAmendedError
from apps.postmortems.models import (
    Citation,
    Observation,
    Postmortem,
    PostmortemLabel,
    Recommendation,
    TimelineEntry,
    split_lines,
)
from apps.postmortems.review import ReviewIncompleteError
from tests.people import make_person
from tests.postmortems.making import LABELS, filed, incident, review

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.accounts.models import User

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


@pytest.fixture
def ann() -> User:
    return make_person("ann", "responder")


def problems(author: User, **changes: Any) -> dict[str, str]:
    with pytest.raises(ReviewIncompleteError) as caught:
        filed(author, **changes)
    assert not Postmortem.objects.exists()
    return {problem.where: problem.code for problem in caught.value.problems}


def test_the_narrative_is_composed_and_its_lines_are_known(ann: User) -> None:
    row = filed(ann)
    assert split_lines(row.narrative) == [
        "Summary",
        "",
        "For an hour nobody could pay.",
        "",
        "Timeline",
        "",
        "2026-11-01 14:02:00 UTC  [event, graph] Pool full",
        "2026-11-01 14:10 UTC  [decision, on call] Rolled back",
        "",
        "What we saw",
        "",
        "O1. The pool was full.",
        "    Evidence: Panel 3",
        "O2. No alarm rang.",
        "",
        "What we recommend",
        "",
        "R1. Watch the pool.",
        "    Because of O1, O2.",
    ]
    assert row.sha256 == hashlib.sha256(row.narrative.encode()).hexdigest()
    assert [row.lines(o.first_line, o.last_line) for o in row.observations.all()] == [
        "O1. The pool was full.\n    Evidence: Panel 3",
        "O2. No alarm rang.",
    ]
    (advice,) = row.recommendations.all()
    assert row.lines(advice.first_line, advice.last_line) == "R1. Watch the pool.\n    Because of O1, O2."
    assert [cited.number for cited in advice.cites.order_by("number")] == [1, 2]


def test_the_same_review_gives_the_same_bytes(ann: User) -> None:
    assert filed(ann).sha256 == filed(ann).sha256


def test_a_shifted_time_is_the_same_instant_and_the_original_is_kept(ann: User) -> None:
    first = filed(ann).timeline.first()
    assert first is not None
    assert first.at == datetime(2026, 11, 1, 14, 2, tzinfo=UTC)
    assert (first.as_written, first.precision) == ("2026-11-01T15:02:00+01:00", "second")


@pytest.mark.parametrize(
    ("written", "precision"),
    [
        ("2026-11-01", "day"),
        ("2026-11-01 14", "hour"),
        ("2026-11-01 14:02", "minute"),
        ("2026-11-01T14:02Z", "minute"),
        ("2026-11-01 14:02 UTC", "minute"),
        ("2026-11-01 14:02:30+00:00", "second"),
    ],
)
def test_a_time_is_as_exact_as_it_is_written(ann: User, written: str, precision: str) -> None:
    row = filed(ann, timeline=[{"at": written, "kind": "event", "text": "x"}])
    assert row.timeline.get().precision == precision


@pytest.mark.parametrize("field", ["failure_mode", "service_tier", "timing", "remediation"])
def test_the_four_mandatory_fields_are_asked_for(ann: User, field: str) -> None:
    assert problems(ann, labels={**LABELS, field: []}) == {f"labels.{field}": "required"}


def test_a_factor_about_people_or_a_reason_is_asked_for(ann: User) -> None:
    technical = {**LABELS, "contributing_factor": ["insufficient_test"]}
    assert problems(ann, labels=technical) == {"no_human_factor_reason": "required"}
    assert filed(ann, labels=technical, no_human_factor_reason="A cable broke.").pk


@pytest.mark.parametrize(
    ("change", "where", "code"),
    [
        ({"title": " "}, "title", "required"),
        ({"title": "x" * 201}, "title", "invalid_input"),
        ({"title": "a\x00"}, "title", "invalid_input"),
        ({"summary": "\ud800"}, "summary", "invalid_input"),
        ({"summary": 7}, "summary", "invalid"),
        ({"service": "a/b"}, "service", "bad_service_name"),
        ({"kind": "text"}, "kind", "unknown_code"),
        ({"incident_id": 999}, "incident", "unknown_code"),
        ({"labels": {**LABELS, "trigger": ["nothing"]}}, "labels.trigger", "unknown_code"),
        ({"labels": {**LABELS, "trigger": ["rollback"]}}, "labels.trigger", "unknown_code"),
        ({"labels": {**LABELS, "severity": "SEV-1"}}, "labels.severity", "unknown_field"),
        ({"labels": {**LABELS, "timing": ["off_hours", "weekend"]}}, "labels.timing", "too_many"),
        ({"observations": []}, "observations", "required"),
        (
            {"recommendations": [{"text": "x", "cites": []}]},
            "recommendations.0.cites",
            "required",
        ),
        ({"recommendations": [{"text": "x", "cites": [3]}]}, "recommendations.0.cites", "unknown_code"),
        ({"recommendations": [{"text": "", "cites": [1]}]}, "recommendations.0.text", "required"),
        ({"timeline": [{"at": "soon", "kind": "event", "text": "x"}]}, "timeline.0.at", "invalid_input"),
        (
            {"timeline": [{"at": "2999-01-01", "kind": "event", "text": "x"}]},
            "timeline.0.at",
            "invalid_input",
        ),
        (
            {"timeline": [{"at": "2026-11-01", "kind": "joke", "text": "x"}]},
            "timeline.0.kind",
            "unknown_code",
        ),
        (
            {"timeline": [{"at": "0001-01-01 00:00+14:00", "kind": "event", "text": "x"}]},
            "timeline.0.at",
            "invalid_input",
        ),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_nothing_is_kept(
    ann: User, change: dict[str, Any], where: str, code: str
) -> None:
    if "recommendations" not in change and change.get("observations") == []:
        change["recommendations"] = []
    assert problems(ann, **change) == {where: code}


def test_everything_wrong_is_listed_at_once(ann: User) -> None:
    found = problems(ann, title="", summary="", labels={}, observations=[], recommendations=[])
    assert list(found) == [
        "title",
        "summary",
        "labels.failure_mode",
        "labels.service_tier",
        "labels.timing",
        "labels.remediation",
        "no_human_factor_reason",
        "observations",
    ]


def test_a_retired_code_is_refused_for_new_and_readable_in_old(ann: User) -> None:
    old = filed(ann)
    Term.objects.filter(vocabulary="trigger", code="config_push").update(retired=True)
    with pytest.raises(ReviewIncompleteError) as caught:
        filed(ann)
    assert [(p.where, p.code) for p in caught.value.problems] == [("labels.trigger", "retired_code")]
    labels = Postmortem.objects.with_parts().get(pk=old.pk).labels_by_field()
    assert [label.term.label for label in labels["trigger"]] == ["Configuration rollout"]
    term = Term.objects.get(vocabulary="trigger", code="config_push")
    with pytest.raises(DatabaseError, match="retired"), transaction.atomic():
        PostmortemLabel.objects.create(postmortem=filed_text(ann), term=term, vocabulary_version=1)


def at_commit(write: Callable[[], object]) -> None:
    """Write, and ask at once what the database would ask at commit."""
    write()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def filed_text(author: User) -> Postmortem:
    from apps.postmortems.services import file_postmortem  # noqa: PLC0415

    return file_postmortem(title="t", service="checkout", narrative="words", author=author)


def test_the_database_refuses_a_recommendation_that_cites_nothing(ann: User) -> None:
    row = filed(ann)
    with pytest.raises(DatabaseError, match="cites an observation"), transaction.atomic():
        at_commit(
            lambda: Recommendation.objects.create(postmortem=row, rank=9, text="x", first_line=1, last_line=1)
        )


def test_the_database_refuses_a_citation_of_another_review(ann: User) -> None:
    mine, other = filed(ann), filed(ann)
    advice, foreign = mine.recommendations.get(), other.observations.get(number=1)
    with pytest.raises(DatabaseError, match="its own review"), transaction.atomic():
        Citation.objects.create(recommendation=advice, observation=foreign)


@pytest.mark.parametrize(
    ("vocabulary", "code", "message"),
    [("severity", "SEV-1", "no labels of"), ("timing", "weekend", "has one")],
)
def test_the_database_refuses_labels_of_other_fields_and_second_ones(
    ann: User, vocabulary: str, code: str, message: str
) -> None:
    row = filed(ann)
    term = Term.objects.get(vocabulary=vocabulary, code=code)
    with pytest.raises(DatabaseError, match=message), transaction.atomic():
        PostmortemLabel.objects.create(postmortem=row, term=term, vocabulary_version=1)


def test_the_database_refuses_a_review_without_its_labels(ann: User) -> None:
    row = filed_text(ann)
    with pytest.raises(DatabaseError, match="mandatory labels"), transaction.atomic():
        at_commit(
            lambda: Postmortem.objects.create(
                title="t",
                service=row.service,
                kind="incident",
                summary="s",
                narrative=row.narrative,
                sha256=row.sha256,
                author=ann,
            )
        )


@pytest.mark.parametrize(
    "model", [PostmortemLabel, TimelineEntry, Observation, Recommendation, Citation], ids=lambda m: m.__name__
)
def test_parts_of_a_filed_review_stay(ann: User, model: Any) -> None:
    filed(ann)
    before = list(model.objects.values())
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        model.objects.all()._raw_delete("default")
    with pytest.raises(DatabaseError, match="Cannot update or delete"), transaction.atomic():
        model.objects.update(id=9999)
    assert list(model.objects.values()) == before


def test_a_version_is_amended_once(ann: User) -> None:
    old = filed(ann)
    new = filed(ann, amends_id=old.pk, title="Second")
    with pytest.raises(AlreadyAmendedError, match=f"postmortem {new.pk}"):
        filed(ann, amends_id=old.pk)
    third = filed(ann, amends_id=new.pk, title="Third")
    assert list(Postmortem.objects.newest()) == [third]
    for row in (old, new, third):
        assert list(Postmortem.objects.versions_of(row.pk)) == [third, new, old]


def test_no_prescriptive_statement_is_among_the_labels(ann: User) -> None:
    """A32: features learn from labels; recommendations are another table, with no way into that one."""
    filed(ann, recommendations=[{"text": "automated_alert", "cites": [1]}])
    advice = set(Recommendation.objects.values_list("text", flat=True))
    codes = set(PostmortemLabel.objects.values_list("term__code", flat=True))
    assert codes == {
        code for value in LABELS.values() for code in ([value] if isinstance(value, str) else value)
    }
    assert advice & codes == set()
    tables = {field.related_model for field in PostmortemLabel._meta.get_fields() if field.is_relation}
    assert tables == {Postmortem, Term}


def test_actions_are_opened_with_owner_and_date(ann: User) -> None:
    due = timezone.now().date() + timedelta(days=7)
    action = {"title": "Alarm on the pool", "owner": "ann", "due_on": due.isoformat(), "kind": "detect"}
    row = filed(ann, actions=[action])
    found = ActionItem.objects.get()
    assert (found.title, found.owner, found.due_on, found.postmortem_id, found.rank) == (
        "Alarm on the pool",
        ann,
        due,
        row.pk,
        1,
    )


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"owner": ""}, "actions.0.owner"),
        ({"owner": "nobody"}, "actions.0.owner"),
        ({"owner": "a\x00"}, "actions.0.owner"),
        ({"due_on": "2020-01-01"}, "actions.0.due_on"),
        ({"due_on": "tomorrow"}, "actions.0.due_on"),
        ({"title": ""}, "actions.0.title"),
        ({"kind": "wish"}, "actions.0.kind"),
        ({"metric": "recall"}, "actions.0.direction"),
    ],
)
def test_an_action_without_owner_or_with_a_past_date_is_refused(
    ann: User, change: dict[str, Any], where: str
) -> None:
    due = timezone.now().date() + timedelta(days=7)
    action = {"title": "Alarm", "owner": "ann", "due_on": due.isoformat(), "kind": "detect", **change}
    assert list(problems(ann, actions=[action])) == [where]
    assert not ActionItem.objects.exists()


def test_filing_tells_the_history_of_the_service(ann: User) -> None:
    first, second, third = (incident(ann, title=f"i{n}") for n in range(3))
    drill = incident(ann, title="drill", is_drill=True)
    filed(ann, incident_id=first.pk)
    filed(
        ann, incident_id=second.pk, labels={**LABELS, "failure_mode": ["dns"], "detection": "automated_alert"}
    )
    old = filed(
        ann, incident_id=third.pk, labels={**LABELS, "trigger": ["hardware"], "detection": "slo_burn"}
    )
    filed(ann, incident_id=drill.pk)
    filed(ann)
    row = facts.current("service_history", "checkout")
    assert row is not None
    assert {name: row.values.get(name) for name in ("n_reviews", "repeat_share")} == {
        "n_reviews": 3,
        "repeat_share": 1 / 3,
    }
    assert (row.values["human_detected_share"], row.values["change_induced_share"]) == (1 / 3, 2 / 3)
    filed(ann, incident_id=third.pk, amends_id=old.pk)
    row = facts.current("service_history", "checkout")
    assert row is not None
    assert (row.values["n_reviews"], row.values["human_detected_share"]) == (3, 2 / 3)


def test_filing_is_on_the_record(ann: User) -> None:
    filed(ann)
    assert ledger.verify().ok


def test_the_arguments_of_the_demo_are_those_of_the_service() -> None:
    assert set(review()) == {
        "title",
        "service",
        "summary",
        "labels",
        "observations",
        "recommendations",
        "timeline",
    }

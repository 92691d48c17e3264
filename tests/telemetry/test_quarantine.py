"""Labels of an outlier are held: nothing judges by them, serves or learns them until they are released."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Q

from apps.accounts.models import Role, User
from apps.analysis.types import Interval
from apps.audit import outbox
from apps.audit.models import AuditRecord, Outbox
from apps.common.canonical import canonical_json
from apps.common.errors import ForbiddenError, InvalidInputError, NotFoundError
from apps.evaluation.holding import _labels
from apps.features import facts, releases
from apps.insights import gating
from apps.insights.models import GateResult
from apps.telemetry import outcomes, quarantining, tasks
from apps.telemetry.models import OutcomeLabel, Quarantine, QuarantineRelease
from apps.telemetry.reading import to_us
from apps.telemetry.services import import_labels
from apps.telemetry.sources import Label
from tests.insights.making import approve, propose
from tests.insights.streams import LATENCY, STEP, label, stream
from tests.insights.test_hidden_labels import DAYS, INCIDENTS, SCOPE, SIGNALS, START, learnt
from tests.people import api_of, make_person
from tests.reading import queries, signed_in, text_of

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

PAGE = "/labels/quarantine"


def quiet_evening(day: int) -> dict[str, Any]:
    return {"series_id": LATENCY, "start": START + timedelta(days=day, hours=22)}


def honest_world(*, errors: int = 1) -> None:
    """Incidents, and three people who call the evenings harmless; one of them errs a little."""
    stream(LATENCY, START, DAYS, incidents=INCIDENTS)
    for name in ("ann", "ben", "cas"):
        person = User.objects.filter(username=name).first() or make_person(name, Role.RESPONDER)
        for day in range(DAYS):
            wrong = name == "ann" and day < errors
            label(
                **quiet_evening(day), kind="incident" if wrong else "benign", source=name, recorded_by=person
            )


def poison(**words: Any) -> None:
    """The same evenings with the other kind."""
    for day in range(DAYS):
        label(**{**quiet_evening(day), "source": "mal", **words})


@pytest.fixture
def reader() -> User:
    return make_person("vera", Role.VIEWER)


@pytest.fixture
def mal() -> User:
    return make_person("mal", Role.RESPONDER, Role.REVIEWER)


@pytest.fixture
def kim() -> User:
    return make_person("kim", Role.OPERATOR)


@pytest.mark.parametrize("named", [True, False])
def test_poison_changes_nothing_once_held_and_all_of_it_once_released(reader, mal, kim, named):
    honest_world()
    clean = learnt(reader)
    poison(**({"recorded_by": mal} if named else {}))
    poisoned = learnt(reader)
    assert poisoned != clean
    (made,) = quarantining.decide()
    assert (made.person, made.source) == ((mal, "") if named else (None, "mal"))
    assert (made.checked, made.flips, made.labels) == (DAYS, DAYS, DAYS)
    assert learnt(reader) == clean
    assert "mal" not in {name for names in _labels(LATENCY, is_drill=False).values() for name in names}
    assert quarantining.decide() == []
    quarantining.release(quarantine_id=made.pk, by=kim, reason="Looked at all: mal was right")
    assert learnt(reader) == poisoned
    assert tasks.quarantine() == 0  # what a person let through is not judged again
    actions = AuditRecord.objects.filter(object_type="quarantine").order_by("pk")
    assert list(actions.values_list("action", flat=True)) == ["labels_quarantined", "labels_released"]


def test_what_is_served_after_approval_is_the_same_to_the_byte(mal):
    served = []
    for poisoned in (False, True):
        with transaction.atomic():
            honest_world()
            if poisoned:
                poison(recorded_by=mal)
                assert len(quarantining.decide()) == 1
            approve(propose(scope=SCOPE, signals=SIGNALS))
            result = GateResult.objects.latest("pk")
            vectors = {name: content.values for name, content in releases.current().items()}
            assert vectors
            found = [vectors, result.verdict, result.report, result.split_hash]
            served.append(canonical_json(gating.finite(found)))
            transaction.set_rollback(True)
    assert served[0] == served[1]


def test_facts_follow_the_decision_and_the_release(mal, kim):
    def told() -> list[int]:
        outbox.drain()
        row = facts.history(outcomes.VIEW, LATENCY)[0]
        kinds = [one["kind"] for one in json.loads(row.values["intervals_json"])]
        return [kinds.count("incident"), kinds.count("benign")]

    honest_world(errors=0)
    poison(recorded_by=mal)
    outcomes.push([LATENCY])
    assert told() == [len(INCIDENTS) + DAYS, DAYS]
    (made,) = quarantining.decide()
    assert told() == [len(INCIDENTS), DAYS]
    quarantining.release(quarantine_id=made.pk, by=kim, reason="Right after all")
    assert told() == [len(INCIDENTS) + DAYS, DAYS]


def test_who_disagrees_a_little_is_not_held_nor_is_anybody_by_drills_or_hold_out(mal):
    honest_world(errors=3)
    assert quarantining.decide() == []
    poison(recorded_by=mal, is_drill=True)
    OutcomeLabel.objects.filter(recorded_by=mal).filter(Q(start_at__gt=START + timedelta(days=12))).update(
        is_drill=False, is_holdout=True
    )
    assert quarantining.decide() == []


def test_what_is_said_after_a_release_is_judged_anew_and_the_released_stays(mal, kim):
    honest_world()
    poison(recorded_by=mal)
    (first,) = quarantining.decide()
    quarantining.release(quarantine_id=first.pk, by=kim, reason="Once more")
    later = START + timedelta(days=40)
    for day in range(DAYS):
        for name in ("ann", "ben"):
            label(
                LATENCY,
                later + timedelta(days=day),
                kind="benign",
                source=name,
                recorded_by=User.objects.get(username=name),
            )
        label(LATENCY, later + timedelta(days=day), source="mal", recorded_by=mal)
    moved = OutcomeLabel.objects.filter(start_at__gte=later)
    moved.update(recorded_at=QuarantineRelease.objects.get().at + timedelta(seconds=1))
    (second,) = quarantining.decide()
    assert (second.labels, second.checked) == (DAYS, DAYS)
    assert OutcomeLabel.objects.counted().filter(recorded_by=mal).count() == DAYS
    assert OutcomeLabel.objects.counted(include_holdout=True).filter(recorded_by=mal).count() == DAYS


def test_an_honest_label_counts_although_a_held_one_says_the_same(mal):
    honest_world()
    poison(recorded_by=mal)
    quarantining.decide()
    start = to_us(START + timedelta(days=9, hours=22))
    span = Interval(start_us=start, end_us=start + 12 * to_us(START + STEP) - 12 * to_us(START))
    assert import_labels(labels=[Label(LATENCY, span)], source="mal").added == 0
    assert import_labels(labels=[Label(LATENCY, span)], source="file.csv").added == 1
    assert OutcomeLabel.objects.counted().filter(kind="incident", source="file.csv").exists()


def test_nobody_edits_a_decision_nor_releases_their_own(mal, kim):
    honest_world()
    poison(recorded_by=mal)
    (made,) = quarantining.decide()
    with pytest.raises(ForbiddenError):
        quarantining.release(quarantine_id=made.pk, by=mal, reason="I am right")
    with pytest.raises(ForbiddenError):
        quarantining.release(quarantine_id=made.pk, by=make_person("rob", Role.RESPONDER), reason="Fine")
    with pytest.raises(InvalidInputError):
        quarantining.release(quarantine_id=made.pk, by=kim, reason=" … ")
    with pytest.raises(NotFoundError):
        quarantining.release(quarantine_id=made.pk + 1, by=kim, reason="Fine")
    for row in (
        lambda: QuarantineRelease.objects.create(quarantine=made, by=mal, reason="x"),
        lambda: Quarantine.objects.create(
            **{field.attname: getattr(made, field.attname) for field in Quarantine._meta.fields[1:]}
        ),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            row()
    _refused(["UPDATE telemetry_quarantine SET since = now()", "DELETE FROM telemetry_quarantine"])
    quarantining.release(quarantine_id=made.pk, by=kim, reason="Fine")
    with pytest.raises(quarantining.ReleasedError):
        quarantining.release(quarantine_id=made.pk, by=kim, reason="Fine")
    _refused(
        ["UPDATE telemetry_quarantinerelease SET reason = 'y'", "DELETE FROM telemetry_quarantinerelease"]
    )


def _refused(statements: list[str]) -> None:
    for statement in statements:
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_page_and_form(mal, kim, reader):
    assert "No label is held" in text_of(signed_in(reader).get(PAGE))
    honest_world()
    poison(recorded_by=mal)
    (made,) = quarantining.decide()
    shown = text_of(signed_in(reader).get(PAGE))
    assert "Not used" in shown
    assert f"{DAYS} of {DAYS}" in shown
    form = f"{PAGE}/{made.pk}/release"
    assert form not in signed_in(mal).get(PAGE).content.decode()
    client = signed_in(kim)
    assert form in client.get(PAGE).content.decode()
    refused = client.post(form, {"reason": "…"})
    assert refused.status_code == 422
    assert "Write why" in text_of(refused)
    assert signed_in(mal).post(form, {"reason": "I am right"}).status_code == 422
    assert client.post(form, {"reason": "Checked all of them"}).status_code == 302
    assert "Checked all of them" in text_of(client.get(PAGE))
    assert client.get(f"{PAGE}/{made.pk + 1}/release").status_code == 404


def test_api(mal, kim):
    honest_world()
    poison(recorded_by=mal)
    (made,) = quarantining.decide()
    api = api_of(kim)
    address = f"/api/v1{PAGE}/{made.pk}/release"
    (row,) = api.get(f"/api/v1{PAGE}").json()["items"]
    assert (row["person"], row["flips"], row["release"]) == ("mal", DAYS, None)
    assert api.send("POST", address, {}, key="none").status_code == 422
    done = api.send("POST", address, {"reason": "Checked"}, key="one")
    assert done.json()["release"]["by"] == "kim"
    assert api.send("POST", address, {"reason": "Checked"}, key="one").json() == done.json()
    assert api.send("POST", address, {"reason": "Checked"}, key="two").json()["code"] == "already_released"


def test_the_list_takes_as_many_queries_for_many_as_for_few(reader):
    def decisions(first: int, last: int) -> None:
        for number in range(first, last):
            Quarantine.objects.create(
                person=make_person(f"p{number}"),
                **dict.fromkeys(("checked", "flips", "rest_checked", "rest_flips", "tested", "labels"), 20),
                since=START,
                reason="Flips",
                p=0.001,
            )

    client = signed_in(reader)
    decisions(0, 2)
    few = queries(client, PAGE)
    decisions(2, 12)
    assert queries(client, PAGE) == few
    assert not Outbox.objects.exists()

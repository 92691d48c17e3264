"""Labels as facts for training: told at each change, never of drills or of the hold-out."""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from django.apps import apps

from apps.analysis.types import Interval
from apps.audit import outbox
from apps.audit.models import Outbox
from apps.common.errors import require
from apps.features import facts
from apps.incidents.services import amend_incident, change_state
from apps.telemetry import outcomes
from apps.telemetry.services import ensure_series, import_labels
from apps.telemetry.sources import Label
from tests.incidents.making import declare, responder, whole

if TYPE_CHECKING:
    from apps.features.models import FactRow

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency"


def flagged(flag: str) -> dict[str, Any]:
    return {flag: True}


def rows() -> list[FactRow]:
    """Every row of the series, oldest first, after the worker."""
    outbox.drain()
    return facts.history(outcomes.VIEW, SERIES)[::-1]


def intervals(row: FactRow) -> list[dict[str, Any]]:
    return list(json.loads(row.values["intervals_json"]))


def label(start_s: int, kind: str = "incident") -> Label:
    return Label(SERIES, Interval(start_us=start_s * 10**6, end_us=(start_s + 60) * 10**6), kind)


def test_an_incident_labels_its_series_and_a_correction_is_a_new_row():
    ann = responder()
    made = declare(ann, series=[SERIES], times=whole())
    (first,) = rows()
    assert intervals(first) == [
        {"start": "2026-03-01T12:00:00.000000Z", "end": "2026-03-01T13:00:00.000000Z", "kind": "incident"}
    ]
    assert (first.values["n_incidents"], first.values["n_benign"]) == (1, 0)
    amend_incident(
        incident_id=made.pk,
        seen_version=1,
        editor=ann,
        times={"impact_start": whole(start=2)["impact_start"]},
    )
    change_state(incident_id=made.pk, state="canceled", actor=ann, note="It was a test of ours")
    first_again, second, third = rows()
    assert first_again.values == first.values
    assert intervals(second)[0]["start"] == "2026-03-01T12:02:00.000000Z"
    assert (intervals(third), third.values["n_incidents"]) == ([], 0)
    assert first.known_at < second.known_at < third.known_at


@pytest.mark.parametrize("flag", ["is_drill", "is_holdout"])
def test_drills_and_hold_out_are_never_told(flag):
    ann = responder()
    declare(ann, series=[SERIES], times=whole(), **flagged(flag))
    found = declare(ann, series=[SERIES], times=whole(start=1))
    assert [len(intervals(row)) for row in rows() if "intervals_json" in row.values][-1] == 1
    amend_incident(incident_id=found.pk, seen_version=1, editor=ann, **flagged(flag))
    assert intervals(rows()[-1]) == []
    ensure_series(SERIES, source="test")
    import_labels(labels=[label(9)], source="file", **flagged(flag))
    assert intervals(rows()[-1]) == []


def test_imported_labels_are_told_once_and_the_newest_are_kept(monkeypatch):
    monkeypatch.setattr(outcomes, "MAX_INTERVALS", 2)
    ensure_series(SERIES, source="test")
    import_labels(labels=[label(600), label(0), label(300, "benign")], source="file")
    told = Outbox.objects.filter(kind=outcomes.FACTS_KIND, payload__view=outcomes.VIEW)
    assert told.count() == 1
    import_labels(labels=[label(0)], source="another file")
    assert told.count() == 1
    values = require(facts.current(outcomes.VIEW, SERIES) or rows()[-1], "the row").values
    assert (values["n_incidents"], values["n_benign"]) == (2, 1)
    assert [found["kind"] for found in json.loads(values["intervals_json"])] == ["benign", "incident"]
    assert values["complete_since_iso"] == "1970-01-01T00:05:00.000000Z"


def test_labels_from_before_are_told_once_the_upgrade_asks_for_them():
    migration = import_module("apps.telemetry.migrations.0003_first_labels")
    asked = Outbox.objects.filter(kind="telemetry.tell_labels")
    migration.ask(apps, None)
    assert not asked.exists()  # nothing to tell
    ensure_series(SERIES, source="test")
    import_labels(labels=[label(0)], source="file")
    Outbox.objects.all().delete()  # as if they had been stored by a version that told nobody
    for _ in range(2):
        migration.ask(apps, None)
    assert asked.count() == 1
    assert [len(intervals(row)) for row in rows()] == [1]
    outcomes.tell_all(key="again", payload={})
    assert len(rows()) == 1

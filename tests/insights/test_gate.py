"""The gate on telemetry that was stored and labelled: what passes, what fails, what it remembers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.loader import MigrationLoader

from apps.accounts.models import Role
from apps.common.code import code_id
from apps.common.errors import InvalidInputError
from apps.features import releases
from apps.features.models import Release
from apps.insights import gating, services
from apps.insights.models import Revision
from apps.telemetry import services as telemetry
from apps.telemetry.models import OutcomeLabel
from apps.telemetry.registry import ensure_series
from apps.telemetry.sources import read_bytes
from tests.insights.making import approve, person, propose

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

SERIES = "checkout/latency_p99"
START = datetime(2026, 3, 1, tzinfo=UTC)
STEP = timedelta(minutes=5)


def load(*, bursts: int = 8, incidents: int = 4) -> None:
    """Three weeks of noise around 100 with short benign bursts to 160, long incidents to 400, all upwards."""
    rows = 21 * 288
    values = 100 + np.random.default_rng(7).normal(0, 2, rows)
    for number in range(bursts):
        first = 900 + number * 600
        values[first : first + 6] = 160
    for number in range(incidents):
        first = 1200 + number * 1200
        values[first : first + 24] = 400
    lines = [f"{(START + position * STEP).isoformat()},{value:.3f}" for position, value in enumerate(values)]
    telemetry.import_series(
        reading=read_bytes(("timestamp,value\n" + "\n".join(lines)).encode(), series_id=SERIES, file="x.csv")
    )
    for number in range(incidents):
        begin = START + (1200 + number * 1200) * STEP
        OutcomeLabel.objects.create(
            series=ensure_series(SERIES),
            start_at=begin,
            end_at=begin + 24 * STEP,
            kind="incident",
            source="test",
        )


def test_a_threshold_that_spares_the_bursts_passes_and_needs_no_override():
    load()
    insight = propose(signals=[{"kind": "min_effect", "value": {"rel": 1.5}}])
    result = Revision.objects.get(insight=insight).gate_results.get()
    assert (result.verdict, result.report["d_tp"]) == ("passed", 0)
    assert result.report["d_fp"] < 0
    assert result.report["n_incidents"] == 2  # of four: the later two are held out
    approve(insight, why="")
    content = releases.current()[SERIES]
    assert (content.values["min_rel"], content.values["confidence"]) == (1.5, 0.8)
    assert content.values["n_incidents"] == 2
    assert "override" not in content.sources["min_rel"]


def test_a_change_that_loses_an_incident_fails():
    load()
    insight = propose(signals=[{"kind": "direction", "value": "down"}])
    result = Revision.objects.get(insight=insight).gate_results.get()
    assert result.verdict == "failed"
    assert "loses" in result.reason


def test_a_series_that_lives_elsewhere_cannot_be_replayed():
    result = Revision.objects.get(insight=propose()).gate_results.get()
    assert (result.verdict, result.report["n_incidents"]) == ("impossible", 0)


def test_drills_and_held_out_incidents_never_reach_the_gate():
    load()
    OutcomeLabel.objects.filter(pk__in=OutcomeLabel.objects.order_by("start_at").values("pk")[:1]).update(
        is_drill=True
    )
    OutcomeLabel.objects.filter(pk__in=OutcomeLabel.objects.order_by("-start_at").values("pk")[:1]).update(
        is_holdout=True
    )
    result = Revision.objects.get(insight=propose()).gate_results.get()
    assert result.report["n_incidents"] == 1


def test_a_second_run_after_new_labels_is_kept_beside_the_first():
    load(incidents=0)
    insight = propose(signals=[{"kind": "min_effect", "value": {"rel": 1.5}}])
    first = Revision.objects.get(insight=insight).gate_results.get()
    begin = START + 1200 * STEP
    OutcomeLabel.objects.create(
        series=ensure_series(SERIES), start_at=begin, end_at=begin + 24 * STEP, kind="incident", source="test"
    )
    second = services.rerun_gate(insight_id=insight.pk, actor=person(Role.REVIEWER))
    assert first.split_hash != second.split_hash
    assert Revision.objects.get(insight=insight).gate_results.count() == 2


def test_a_dry_run_shows_alarms_with_and_without():
    load()
    revision = Revision.objects.get(insight=propose(signals=[{"kind": "min_effect", "value": {"rel": 1.5}}]))
    found = gating.dry_run(revision)["series"][SERIES]
    assert found["columns"] == {"min_rel": 1.5}
    assert found["samples"] == 21 * 288
    assert 0 < found["alarms_after"] < found["alarms_before"]


def test_the_gate_compares_with_what_is_served_already():
    load()
    better = [{"kind": "min_effect", "value": {"rel": 1.5}}]
    approve(propose(signals=better), why="")
    again = Revision.objects.get(insight=propose(signals=better)).gate_results.get()
    assert (again.verdict, again.report["d_fp"]) == ("failed", 0)
    assert Release.objects.count() == 1


def test_a_scope_too_large_for_one_request_is_said_and_not_replayed(monkeypatch):
    load()
    monkeypatch.setattr(gating, "MAX_SAMPLES", 21 * 288 - 1)
    revision = Revision.objects.get(insight=propose())
    result = revision.gate_results.get()
    assert (result.verdict, result.report) == ("impossible", {})
    assert "6,048 samples" in result.reason
    with pytest.raises(InvalidInputError):
        gating.dry_run(revision)


def test_a_backtest_names_its_code_and_its_data():
    load()
    first = Revision.objects.get(insight=propose()).gate_results.get()
    second = Revision.objects.get(insight=propose(signals=[{"kind": "direction", "value": "up"}]))
    assert (first.code, len(first.data_hash)) == (code_id(), 64)
    assert second.gate_results.get().data_hash == first.data_hash


@pytest.mark.parametrize(
    ("verdict", "lacking"),
    [("passed", "code"), ("passed", "data_hash"), ("failed", "split_hash"), ("impossible", "code")],
)
def test_the_database_keeps_no_backtest_without_code_data_and_split(verdict, lacking):
    revision = Revision.objects.get(insight=propose())
    row = {"code": "abc", "data_hash": "d", "split_hash": "s"} | {lacking: ""}
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO insights_gateresult"
            " (revision_id, verdict, reason, report, code, data_hash, split_hash, evaluated_at)"
            " VALUES (%s, %s, '', '{}', %s, %s, %s, now())",
            [revision.pk, verdict, *row.values()],
        )
    assert revision.gate_results.count() == 1


def test_backtests_from_before_say_that_their_code_is_unknown():
    load()
    result = Revision.objects.get(insight=propose()).gate_results.get()
    loader = MigrationLoader(connection)
    migration = loader.get_migration("insights", "0006_gate_names_its_code")
    before = loader.project_state(("insights", "0005_findings"))
    connection.check_constraints()
    with connection.schema_editor() as editor:
        migration.unapply(before.clone(), editor)
    with connection.schema_editor() as editor:
        migration.apply(before.clone(), editor)
    result.refresh_from_db()
    assert (result.code, result.data_hash) == ("unknown:before-code-and-data-were-kept",) * 2
    assert len(result.split_hash) == 64

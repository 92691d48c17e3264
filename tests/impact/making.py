"""Makers for the tests of impact: the generated shop, lessons on it, actions that are done."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.actions import services
from apps.audit import outbox
from apps.common.errors import require
from apps.impact import measuring
from apps.impact.models import Verdict
from apps.insights.models import Insight
from apps.telemetry import reading
from apps.telemetry import services as telemetry
from apps.telemetry.generate import SHOP, generate
from apps.telemetry.sources import Label, Report, SeriesFile
from tests.actions.making import in_days, somebody
from tests.insights.making import approve, propose

if TYPE_CHECKING:
    from apps.actions.models import ActionItem
    from apps.impact.results import Measurement

_incidents = itertools.count(1_000_000)
SHORT_BURSTS: dict[str, Any] = {
    "title": "A burst under twice the usual hurts nobody",
    "scope": {
        "series": [
            "checkout/latency_p99",
            "payments/error_rate",
            "search/latency_p95",
            "warehouse/jobs_waiting",
        ]
    },
    "signals": [{"kind": "min_effect", "value": {"rel": 1.2}}],
}
ONLY_DROPS = {
    "title": "Only drops hurt",
    "scope": {"fleet": True},
    "signals": [{"kind": "direction", "value": "down"}],
}
HIGHER = {
    "title": "Alarm later everywhere",
    "scope": {"fleet": True},
    "signals": [{"kind": "theta_scale", "value": 1.0}],
}
QUEUE_SERIES = "payments/queue_depth"
QUEUE = {
    "title": "Bursts in the queue are short",
    "scope": {"series": ["payments/queue_depth"]},
    "signals": [{"kind": "persistence", "value": {"k": 5, "n": 6}}],
}
FALSE_ALARMS = {"metric": "false_alarms_per_day", "direction": "down", "smallest_effect": 0.9}
RECALL = {"metric": "recall", "direction": "up"}


def shop(*wanted: str) -> None:
    """The generated series of these names, or all of them."""
    specs = [spec for spec in SHOP if not wanted or spec.series_id in wanted]
    for one in generate(specs, end_us=reading.to_us(timezone.now())):
        report = Report(
            file=one.series_id, sha256="0" * 64, rows=len(one.times), samples=len(one.times), cadence_s=300.0
        )
        file = SeriesFile(one.series_id, one.times, one.values, report)
        telemetry.import_series(reading=file, by=None, source="test")
        for interval in one.incidents:  # each is declared on its own, as people do
            label = Label(one.series_id, interval, "incident")
            telemetry.import_labels(labels=[label], source=f"incident:{next(_incidents)}", by=None)


def lesson(words: dict[str, Any], *, served: bool = True) -> Insight:
    insight = propose(**words)
    return approve(insight) if served else insight


def replayed(insight: Insight) -> Measurement:
    """The replay alone, of the insight as it is stored now."""
    found = Insight.objects.get(pk=insight.pk)
    return measuring.measure(found, require(measuring.subject(found), "a served revision"))


def action_on(insight: Insight, **changes: Any) -> ActionItem:
    owner = somebody()
    values: dict[str, Any] = {
        "title": f"Act on insight {insight.pk}",
        "owner": owner,
        "due_on": in_days(7),
        "insight_id": insight.pk,
        "created_by": owner,
        **FALSE_ALARMS,
        **changes,
    }
    return services.open_action(**values)


def finished(insight: Insight, **changes: Any) -> ActionItem:
    action = action_on(insight, **changes)
    return services.mark_done(action_id=action.pk, actor=action.owner)


def measured(action: ActionItem) -> Verdict:
    """The worker's part, done here."""
    outbox.drain()
    return Verdict.objects.filter(action=action).latest("pk")

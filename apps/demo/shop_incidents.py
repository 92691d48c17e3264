"""The incidents of the fictional shop: one for each that its generated telemetry holds, told by people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from apps.incidents.codes import Kind, State, TimeKind
from apps.incidents.metrics import TimeValue
from apps.incidents.services import change_state, declare_incident
from apps.telemetry.reading import from_us

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.accounts.models import User
    from apps.analysis.types import Interval
    from apps.incidents.models import Incident
    from apps.telemetry.generate import Generated

SEED = 7


@dataclass(frozen=True)
class Told:
    """What people call the incidents of one series, oldest first, and how bad each was."""

    severity: str
    titles: tuple[str, str, str, str]


STORIES: dict[str, Told] = {
    "checkout/latency_p99": Told(
        "SEV-2",
        (
            "Checkout slowed down after a rollout of the basket service",
            "Checkout answered after four times the usual time",
            "Checkout waited for the price service",
            "Checkout slow again, taken for the settlement batch at first",
        ),
    ),
    "checkout/orders_per_min": Told(
        "SEV-1",
        (
            "Orders fell by four fifths while the card form was broken",
            "No orders from phones after a change of the address form",
            "Orders fell when the tax service refused a new country code",
            "Orders fell while a feature flag was half on",
        ),
    ),
    "payments/latency_p99": Told(
        "SEV-2",
        (
            "Payments slow while the bank changed a certificate",
            "Payments slow after the pool of connections was halved",
            "Payments slow behind a full log disk",
            "Payments slow while fraud rules were reloaded",
        ),
    ),
    "payments/error_rate": Told(
        "SEV-1",
        (
            "One payment in twenty-five refused after a key was rotated",
            "Payments refused by a provider that had changed its answer",
            "Payments refused for cards of one country",
            "Payments refused while two versions disagreed on a field",
        ),
    ),
    "payments/queue_depth": Told(
        "SEV-3",
        (
            "Payment queue stood still behind one bad message",
            "Payment queue grew for an hour and a half after a restart",
            "Payment queue stood still while the ledger was locked",
            "Payment queue grew while one worker of four was deaf",
        ),
    ),
    "cart/requests_per_s": Told(
        "SEV-2",
        (
            "Three quarters of cart requests lost at the load balancer",
            "Cart unreachable from one region",
            "Cart requests lost while a cache was emptied",
            "Cart unreachable behind an expired internal certificate",
        ),
    ),
    "cart/latency_p95": Told(
        "SEV-3",
        (
            "Cart slow while images were resized on the same machines",
            "Cart slow after a change of session storage",
            "Cart slow behind a noisy neighbour",
            "Cart slow while discounts were computed twice",
        ),
    ),
    "search/latency_p95": Told(
        "SEV-3",
        (
            "Search slow while the index was rebuilt by day",
            "Search slow for long queries after a library update",
            "Search slow on one shard",
            "Search slow after synonyms were doubled",
        ),
    ),
    "search/cache_hit_ratio": Told(
        "SEV-4",
        (
            "Search cache emptied by a rollout in one step",
            "Search cache keys changed without warning",
            "Search cache half empty after a failover",
            "Search cache shrunk by a wrong limit",
        ),
    ),
    "warehouse/db_connections": Told(
        "SEV-2",
        (
            "Connections of the warehouse leaked for three days",
            "Connections of the warehouse leaked again after a rollout",
            "A report kept connections of the warehouse open",
            "Connections of the warehouse leaked in a retry loop",
        ),
    ),
    "warehouse/jobs_waiting": Told(
        "SEV-3",
        (
            "Picking jobs waited for an hour behind a lock",
            "Picking jobs waited while a printer gateway was away",
            "Picking jobs waited after a clock change on one host",
            "Picking jobs waited for a migration to end",
        ),
    ),
}


def declare_all(shop: Sequence[Generated], *, by: User) -> dict[tuple[str, int], Incident]:
    """Every incident of the telemetry, by series and number from 0; the older half is closed."""
    random = np.random.default_rng(SEED)
    found: dict[tuple[str, int], Incident] = {}
    for generated in shop:
        told = STORIES[generated.series_id]
        for number, (title, interval) in enumerate(zip(told.titles, generated.incidents, strict=True)):
            found[generated.series_id, number] = _declare(
                generated.series_id, title, told.severity, interval, by=by, random=random
            )
    for (_, number), incident in found.items():
        if number == 0:  # the oldest of each: looked at, and nothing more to learn
            change_state(incident_id=incident.pk, seen_version=incident.version, state=State.CLOSED, actor=by)
    return found


def _declare(
    series_id: str, title: str, severity: str, interval: Interval, *, by: User, random: np.random.Generator
) -> Incident:
    service = series_id.split("/", maxsplit=1)[0]
    start, end = from_us(interval.start_us), from_us(interval.end_us)
    return declare_incident(
        title=title,
        service=service,
        severity=severity,
        state=State.RESOLVED,
        times=_times(start, end, random),
        series=[series_id],
        declared_by=by,
    )


def _times(start: datetime, end: datetime, random: np.random.Generator) -> dict[str, TimeValue]:
    """What was written down. Of one incident in six nobody knows when it was noticed."""
    noticed = start + timedelta(minutes=int(random.integers(3, 26)))
    answered = noticed + timedelta(minutes=int(random.integers(1, 9)))
    times = {
        TimeKind.IMPACT_START: TimeValue("recorded", start, "metric", "minute"),
        TimeKind.DETECTED: TimeValue("recorded", noticed, "pager", "minute"),
        TimeKind.ACKNOWLEDGED: TimeValue("recorded", answered, "pager", "second"),
        TimeKind.ESCALATED: TimeValue("not_applicable"),
        TimeKind.MITIGATED: TimeValue("recorded", end, "metric", "minute"),
        TimeKind.RESOLVED: TimeValue(
            "recorded", end + timedelta(minutes=int(random.integers(5, 45))), "chat", "minute"
        ),
    }
    if random.uniform() < 1 / 6:
        times[TimeKind.DETECTED] = TimeValue("pending")
        times[TimeKind.ACKNOWLEDGED] = TimeValue("pending")
    return {str(kind): value for kind, value in times.items()}


def declare_others(*, by: User, moment: datetime) -> None:
    """What no telemetry of the shop shows: one incident that is open now, and two near misses."""
    declare_incident(
        title="Some customers see an empty basket after signing in",
        service="cart",
        severity="SEV-3",
        state=State.INVESTIGATING,
        summary="Two customers wrote within ten minutes. No metric of the cart has moved.",
        times={
            str(TimeKind.IMPACT_START): TimeValue("pending"),
            str(TimeKind.DETECTED): TimeValue(
                "recorded", moment - timedelta(minutes=25), "support", "minute"
            ),
        },
        declared_by=by,
    )
    for title, service, summary in (
        (
            "A certificate of the payment gateway had four hours left",
            "payments",
            "Seen by chance while another one was renewed. Nobody was hurt.",
        ),
        (
            "A migration would have locked the ledger at noon",
            "payments",
            "Stopped in review an hour before it was due.",
        ),
    ):
        declare_incident(
            title=title,
            service=service,
            severity="SEV-4",
            kind=Kind.NEAR_MISS,
            summary=summary,
            declared_by=by,
        )

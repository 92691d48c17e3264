"""The evidence for an insight over HTTP: its gate series by series, and the replay on the last days."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response

from apps.accounts.door import ApiView
from apps.common.times import iso_us
from apps.insights import composition, evidence, gate_figures, lately

from .views import READ, free

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.insights.models import GateResult

ALERTS: dict[str, Any] = {
    "series": 2,
    "days": 28.0,
    "before": 31,
    "after": 12,
    "gained": 0,
    "lost": 19,
    "gained_in_incidents": 0,
    "lost_in_incidents": 0,
    "per_day_before": 1.107,
    "per_day_after": 0.429,
}
EXAMPLE: dict[str, Any] = {
    "insight": 7,
    "revision": 2,
    "served": False,
    "gate": {
        "verdict": "passed",
        "reason": "Utility rises by 3.80, more than lambda (0.20), and no incident is lost.",
        "evaluated_at": "2026-11-21T12:00:00.000001Z",
        "code": "5f1c2a9",
        "split_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
        "data_hash": "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9",
        "series": [
            {
                "series": "checkout/latency_p99",
                "incidents": 2,
                "gained": 0,
                "lost": 0,
                "false_alarms_before": 21,
                "false_alarms_after": 2,
            }
        ],
    },
    "last_days": {
        "days": 28,
        "part": "training",
        "reason": "",
        "services": [{"service": "checkout", **ALERTS}],
        "total": ALERTS,
        "series_without_samples": 0,
    },
}


class InsightEvidence(ApiView):
    """What speaks for the newest revision of an insight, and what against it."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="insight_evidence",
        parameters=[
            OpenApiParameter(
                "days", int, enum=lately.DAYS, default=lately.USUAL_DAYS, description="days to replay"
            )
        ],
        responses={200: free("evidence", EXAMPLE)},
    )
    def get(self, request: Request, pk: int) -> Response:
        """The gate by series and the replay on the last days: of the training part until it is served."""
        days = lately.days_of(request.query_params.get("days", ""))
        insight, revision = evidence.newest(pk, reader=self.person)
        served = evidence.was_served(revision)
        gate = composition.deciding_result(revision)
        return Response(
            {
                "insight": insight.pk,
                "revision": revision.number,
                "served": served,
                "gate": _gate(gate) if gate else None,
                "last_days": _last_days(lately.last_days(revision, served=served, days=days)),
            }
        )


def _gate(result: GateResult) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "reason": result.reason,
        "evaluated_at": iso_us(result.evaluated_at),
        "code": result.code,
        "split_hash": result.split_hash,
        "data_hash": result.data_hash,
        "series": [asdict(row) for row in gate_figures.by_series(result)],
    }


def _last_days(found: lately.LastDays) -> dict[str, Any]:
    return {
        "days": found.days,
        "part": "all" if found.served else "training",
        "reason": found.reason,
        "services": [{"service": service, **asdict(one)} for service, one in found.services],
        "total": asdict(found.total),
        "series_without_samples": found.silent,
    }

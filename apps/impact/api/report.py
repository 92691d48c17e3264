"""The report and the metrics of learning as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.common.errors import InvalidInputError
from apps.impact import learning, overview, reporting, saving, telling

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="actions:read")
ITEM = {
    "action": 5,
    "insight": 3,
    "evidence": "replay",
    "metric": "false_alarms_per_day",
    "method": "sign-flip test over service-days",
    "n": 14,
    "excluded": {"total": 1, "by_reason": {"drills": 1}},
    "controls": None,
    "effect": -1.2,
    "interval": [-1.9, -0.5],
    "p": 0.004,
    "p_adjusted": 0.012,
    "adjusted_among": 3,
    "minimum_detectable_effect": 0.6,
    "power": 0.85,
    "verdict": "improved",
    "verdict_alone": "improved",
    "reason": "The difference is larger than chance explains",
    "looks": 1,
    "split_hash": "e82ba8a539bc4db357715daca580b4b2b9c9cc9ca822c35df5b468f8a910f66a",
    "data_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "code": "186b4c6f0a1d2c3b4e5f60718293a4b5c6d7e8f9",
    "verdict_id": 2,
    "evaluated_at": "2026-11-28T12:00:03.000001Z",
}
SAVED = {"objective": "reliability", "lessons": 2, "minutes": 420.0, "low": 130.0, "high": 610.0}


class SavedSerializer(serializers.Serializer[dict[str, object]]):
    objective = serializers.CharField()
    lessons = serializers.IntegerField()
    minutes = serializers.FloatField(help_text="of false pages saved in thirty days")
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ReportSerializer(serializers.Serializer[dict[str, object]]):
    evidence = serializers.CharField()
    false_discovery_rate = serializers.FloatField()
    saved = SavedSerializer(many=True, help_text="by objective; only of replays")
    items = serializers.ListField(child=serializers.DictField())
    next = serializers.CharField(allow_null=True)


class ImpactView(ApiView):
    """The report, one kind of evidence at a time."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="impact_report",
        summary="The newest verdict of every action, p adjusted over the whole report",
        description=(
            "Replay and field evidence are never mixed in one list. `verdict` is that after "
            "Benjamini-Hochberg over all newest verdicts of either kind, `verdict_alone` that of its row."
        ),
        parameters=[
            OpenApiParameter("evidence", str, enum=["replay", "field"], description="replay if not given"),
            *PAGE_PARAMETERS,
        ],
        responses=ReportSerializer,
        examples=[
            OpenApiExample(
                "page",
                {
                    "evidence": "replay",
                    "false_discovery_rate": 0.05,
                    "saved": [SAVED],
                    "items": [ITEM],
                    "next": None,
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        """One page of the report."""
        kind = request.query_params.get("evidence", "replay")
        if kind not in overview.TEXTS:
            raise InvalidInputError("Choose one of: replay, field.", field="evidence")
        said = reporting.report()
        page = keyset(overview.shown_verdicts(kind, self.person), request, "-id")
        return Response(
            {
                "evidence": kind,
                "false_discovery_rate": reporting.RATE,
                "saved": [asdict(one) for one in saving.by_objective()] if kind == "replay" else [],
                "items": [
                    telling.as_report(verdict, said.get(verdict.pk) or reporting.of(verdict))
                    for verdict in page["items"]
                ],
                "next": page["next"],
            }
        )


LEARNING: dict[str, object] = {
    "from": "2026-07-01",
    "to": "2026-09-30",
    "reviews": {
        "filed": 2,
        "per_month": [{"month": "2026-07", "reviews": 2}],
        "incidents": 5,
        "incidents_over": 4,
        "reviewed": 2,
        "target_days": 14,
        "within_target": {"n": 3, "on_time": 1, "share": 0.333333},
        "days_to_review": {"median": 20.0, "low": 5.0, "high": None, "n": 4, "not_reviewed": 2},
    },
    "actions": {
        "opened": 5,
        "done": 2,
        "rate": 0.4,
        "given_up": 1,
        "due": {
            "n": 4,
            "on_time": 1,
            "late": 1,
            "overdue": 1,
            "not_due_yet": 0,
            "given_up": 1,
            "on_time_share": 0.333333,
        },
    },
    "reliability": [
        {
            "quarter": "2026 Q3",
            "incidents": 5,
            "mttd": {"median_s": 600.0, "low_s": 300.0, "high_s": None, "n": 4, "open": 0, "excluded": 1},
            "mttr": {"median_s": 7200.0, "low_s": 1800.0, "high_s": None, "n": 5, "open": 1, "excluded": 0},
            "severity": {"SEV-2": 5, "unknown": 0},
        }
    ],
}


class LearningSerializer(serializers.Serializer[dict[str, object]]):
    to = serializers.DateField()
    reviews = serializers.DictField()
    actions = serializers.DictField()
    reliability = serializers.ListField(child=serializers.DictField())

    def get_fields(self) -> dict[str, Any]:
        """`from` is no name for an attribute."""
        return {"from": serializers.DateField(), **super().get_fields()}


class LearningMetricsView(ApiView):
    """Metrics of learning itself."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="learning_metrics",
        summary="Cadence of reviews, rate of what is implemented, and reliability by quarter",
        description=(
            "Medians are Kaplan-Meier: incidents that are open, or not reviewed yet, are censored, never "
            "dropped. Each quarter is tested against the one before it; where a change of the stated size "
            "would rarely be found the verdict is `too_few_data`."
        ),
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATE, description="first day, UTC; three quarters back"),
            OpenApiParameter("to", OpenApiTypes.DATE, description="last day, UTC; today if not given"),
        ],
        responses=LearningSerializer,
        examples=[OpenApiExample("one quarter", LEARNING, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """The metrics of the days asked for."""
        first, last = (_day(request, name) for name in ("from", "to"))
        asked = learning.period(first, last, today=timezone.now().date())
        return Response(learning.metrics(asked))


def _day(request: Request, name: str) -> date | None:
    text = request.query_params.get(name, "")
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(
            f"{text[:40]!a} is not a day.", field=name, remedy="Write it as 2026-07-01."
        ) from error

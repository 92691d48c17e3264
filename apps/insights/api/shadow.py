"""Shadow runs over HTTP: read, register and start, stop, and what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, keyset
from apps.common.errors import NotFoundError
from apps.insights import access, services
from apps.insights.models import Insight, ShadowReading, ShadowRun
from apps.insights.models.shadowing import MAX_HYPOTHESIS

from .views import READ, WRITE, InsightView

if TYPE_CHECKING:
    from rest_framework.request import Request

MAX_TEXT = 2000
PLAN = {
    "revision": 1,
    "hypothesis": "Bursts that pass by themselves wake nobody, and no incident is lost.",
    "metric": "false_alarms_per_day",
    "smallest_effect": 0.5,
    "ends_at": "2026-12-12T12:00:00Z",
}
RUN: dict[str, Any] = {
    "id": 2,
    "insight": 3,
    **PLAN,
    "starts_at": "2026-11-21T12:00:00.000001Z",
    "ends_at": "2026-12-12T12:00:00Z",
    "started_by": "sam",
    "created_at": "2026-11-21T12:00:00.000001Z",
    "ended_at": None,
    "ended_by": "",
    "ending": "",
    "ending_reason": "",
    "outcome": "",
    "outcome_reason": "",
    "method": "",
    "n": None,
    "effect": None,
    "low": None,
    "high": None,
    "p": None,
    "power": None,
    "minimum_detectable_effect": None,
    "data_hash": "",
    "code": "",
}
READING = {
    "service": "checkout",
    "day": "2026-11-22",
    "release": 12,
    "samples": 288,
    "paused": 0,
    "false_before": 2,
    "false_after": 0,
    "incidents": 1,
    "gained": 0,
    "lost": 0,
    "data_hash": "e82ba8a539bc4db357715daca580b4b2b9c9cc9ca822c35df5b468f8a910f66a",
    "read_at": "2026-11-24T00:15:00.000001Z",
}


class PlanSerializer(serializers.Serializer[dict[str, Any]]):
    """What a run registers."""

    revision = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="The revision that was read"
    )
    hypothesis = serializers.CharField(max_length=MAX_HYPOTHESIS)
    metric = serializers.ChoiceField(ShadowRun.Metric.choices)
    smallest_effect = serializers.FloatField(help_text="A share between 0 and 1")
    starts_at = serializers.DateTimeField(required=False, allow_null=True, help_text="Null: at once")
    ends_at = serializers.DateTimeField()
    override_reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=MAX_TEXT)


class StopSerializer(serializers.Serializer[dict[str, Any]]):
    """Why a run stops."""

    reason = serializers.CharField(max_length=MAX_TEXT)


class RunSerializer(serializers.ModelSerializer[ShadowRun]):
    """A run with what it registered and, once it is closed, what it found."""

    insight = serializers.IntegerField(source="revision.insight_id", read_only=True)
    revision = serializers.IntegerField(source="revision.number", read_only=True)
    started_by = serializers.CharField(source="started_by.username", read_only=True)
    metric = serializers.CharField(read_only=True)
    outcome = serializers.CharField(
        read_only=True, help_text="improved, worse, no_evidence, too_few_data; empty if it was not judged"
    )

    class Meta:
        model = ShadowRun
        fields = list(RUN)
        read_only_fields = fields


class ReadingSerializer(serializers.ModelSerializer[ShadowReading]):
    """Both arms on one service and day."""

    class Meta:
        model = ShadowReading
        fields = list(READING)
        read_only_fields = fields


class RunPageSerializer(serializers.Serializer[dict[str, Any]]):
    items = RunSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ReadingPageSerializer(serializers.Serializer[dict[str, Any]]):
    items = ReadingSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class ShadowRuns(InsightView):
    """Runs of one insight; start one."""

    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="shadow_runs_list",
        parameters=PAGE_PARAMETERS,
        responses=RunPageSerializer,
        examples=[OpenApiExample("page", {"items": [RUN], "next": None}, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the shadow runs of an insight, newest first."""
        insight = access.find_insight(pk, actor=self.person)
        found = ShadowRun.objects.filter(revision__insight=insight)
        page = keyset(found.select_related("revision", "started_by"), request, "-id")
        return Response({**page, "items": RunSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="shadow_start",
        request=PlanSerializer,
        examples=[OpenApiExample("plan", PLAN, request_only=True)],
        responses={
            201: OpenApiResponse(
                RunSerializer, "Registered", [OpenApiExample("run", RUN, response_only=True)]
            )
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Register a shadow run of the newest revision; what is registered is frozen."""
        data = self.told(PlanSerializer(data=request.data))
        seen = data.pop("revision", None)
        run = services.start_shadow(insight_id=pk, actor=self.person, seen=seen, **data)
        return Response(RunSerializer(run).data, status=201)


class ShadowStop(InsightView):
    """Stop the run that is going on."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="shadow_stop",
        request=StopSerializer,
        examples=[OpenApiExample("reason", {"reason": "A sale begins."}, request_only=True)],
        responses={
            200: OpenApiResponse(
                RunSerializer,
                "Stopped, not judged",
                [OpenApiExample("stopped", {**RUN, "ending": "stopped"}, response_only=True)],
            )
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Stop the shadow run of an insight before its planned end."""
        data = self.told(StopSerializer(data=request.data))
        run = services.stop_shadow(insight_id=pk, actor=self.person, reason=data["reason"])
        return Response(RunSerializer(run).data)


class ShadowReadings(InsightView):
    """What a run has read."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="shadow_readings_list",
        parameters=PAGE_PARAMETERS,
        responses=ReadingPageSerializer,
        examples=[OpenApiExample("page", {"items": [READING], "next": None}, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the readings of a run, newest first."""
        visible = Insight.objects.visible_to(self.person)
        run = ShadowRun.objects.filter(pk=pk, revision__insight__in=visible).first()
        if run is None:
            raise NotFoundError(f"There is no shadow run {pk}.", field="id")
        page = keyset(ShadowReading.objects.filter(run=run), request, "-id")
        return Response({**page, "items": ReadingSerializer(page["items"], many=True).data})

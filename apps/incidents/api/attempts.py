"""Tries to end the harm of an incident, as tools and people tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, keyset
from apps.accounts.inputs import StrictSerializer
from apps.common.times import iso_us
from apps.incidents import attempts
from apps.incidents.models import MAX_SOURCE, RemediationAttempt

from .views import READ, WRITE, IncidentView

if TYPE_CHECKING:
    from rest_framework.request import Request

NEW = {
    "remediation": "restart",
    "automated": True,
    "started_at": "2026-11-20T08:02:00Z",
    "outcome": "succeeded",
    "reference": "runbook-4711",
}
SHOWN = {**NEW, "id": 3, "started_at": "2026-11-20T08:02:00.000000Z", "by": "autopilot"}


class AttemptInput(StrictSerializer):
    remediation = serializers.CharField(max_length=60, help_text="code of the vocabulary remediation")
    automated = serializers.BooleanField(help_text="whether a program did it by itself")
    started_at = serializers.DateTimeField(help_text="UTC if no zone is named")
    outcome = serializers.ChoiceField(
        choices=RemediationAttempt.Outcome.choices, required=False, default="unknown"
    )
    reference = serializers.CharField(max_length=MAX_SOURCE, help_text="the tool's own name of this try")


class AttemptSerializer(serializers.ModelSerializer[RemediationAttempt]):
    remediation = serializers.CharField(source="remediation.code", read_only=True)
    by = serializers.CharField(source="by.username", read_only=True)
    started_at = serializers.SerializerMethodField()

    class Meta:
        model = RemediationAttempt
        fields = ["id", "remediation", "automated", "started_at", "outcome", "reference", "by"]
        read_only_fields = fields

    def get_started_at(self, row: RemediationAttempt) -> str:
        return iso_us(row.started_at)


class AttemptPageSerializer(serializers.Serializer[dict[str, object]]):
    items = AttemptSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class RemediationsView(IncidentView):
    """All tries at one incident; tell of one."""

    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="incidents_remediations",
        summary="What was tried to end an incident, newest first",
        parameters=PAGE_PARAMETERS,
        responses=AttemptPageSerializer,
        examples=[OpenApiExample("page", {"items": [SHOWN], "next": None}, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        """List the tries by keyset."""
        self.story(pk)
        rows = RemediationAttempt.objects.filter(incident=pk).select_related("remediation", "by")
        page = keyset(rows, request, "-id")
        return Response({**page, "items": AttemptSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="incidents_remediate",
        summary="Tell of one try to end an incident",
        description="The same reference told again is the try that is kept already.",
        request=AttemptInput,
        examples=[OpenApiExample("try", NEW, request_only=True)],
        responses={
            201: OpenApiResponse(
                AttemptSerializer, "Kept", [OpenApiExample("kept", SHOWN, response_only=True)]
            )
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Keep a try."""
        told = self.told(AttemptInput(data=request.data))
        attempt = attempts.tell_attempt(incident_id=pk, by=self.person, **told)
        return Response(AttemptSerializer(attempt).data, status=201)

"""Labels in quarantine over HTTP: read the decisions, release one."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.inputs import StrictSerializer
from apps.accounts.models import Role
from apps.telemetry import quarantining
from apps.telemetry.models import Quarantine, QuarantineRelease

if TYPE_CHECKING:
    from rest_framework.request import Request

RELEASE = {"reason": "I looked at all ten incidents: robin was right.", "by": "kim"}
QUARANTINE = {
    "id": 3,
    "person": "robin",
    "source": "",
    "since": "2026-11-20T02:00:00Z",
    "reason": "20 of 25 statements are contradicted by the others, 41 times the rate among the rest; …",
    "checked": 25,
    "flips": 20,
    "rest_checked": 75,
    "rest_flips": 1,
    "p": 1.2e-15,
    "tested": 4,
    "labels": 31,
    "at": "2026-11-21T11:00:00Z",
    "release": None,
}


class QuarantineReleaseSerializer(serializers.ModelSerializer[QuarantineRelease]):
    by = serializers.CharField(source="by.username", read_only=True)

    class Meta:
        model = QuarantineRelease
        fields = ["by", "reason", "at"]
        read_only_fields = fields


class QuarantineSerializer(serializers.ModelSerializer[Quarantine]):
    person = serializers.CharField(
        source="person.username",
        read_only=True,
        allow_null=True,
        default=None,
        help_text="who recorded the labels; null: nobody is named, and `source` is the author",
    )
    release = QuarantineReleaseSerializer(read_only=True, allow_null=True, default=None)

    class Meta:
        model = Quarantine
        fields = [
            *("id", "person", "source", "since", "reason", "checked", "flips", "rest_checked", "rest_flips"),
            *("p", "tested", "labels", "at", "release"),
        ]
        read_only_fields = fields


class QuarantinePageSerializer(serializers.Serializer[dict[str, object]]):
    items = QuarantineSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class QuarantineReleaseInput(StrictSerializer):
    reason = serializers.CharField(max_length=quarantining.MAX_REASON)


class QuarantinesView(ApiView):
    access: ClassVar = {"GET": Access(scope="telemetry:read")}

    @extend_schema(
        operation_id="label_quarantines_list",
        summary="Whose labels are, or were, not used, and why; newest first",
        parameters=PAGE_PARAMETERS,
        responses=QuarantinePageSerializer,
        examples=[OpenApiExample("page", {"items": [QUARANTINE], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = keyset(Quarantine.objects.visible_to(self.person).told(), request, "-id")
        return Response({**page, "items": QuarantineSerializer(page["items"], many=True).data})


class QuarantineReleaseView(ApiView):
    access: ClassVar = {"POST": Access(scope="api", roles={Role.REVIEWER, Role.OPERATOR})}

    @extend_schema(
        operation_id="label_quarantines_release",
        summary="Use the labels of a quarantine again",
        request=QuarantineReleaseInput,
        responses=QuarantineSerializer,
        examples=[
            OpenApiExample("why", {"reason": RELEASE["reason"]}, request_only=True),
            OpenApiExample(
                "released",
                {**QUARANTINE, "release": {**RELEASE, "at": "2026-11-21T12:00:00Z"}},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = QuarantineReleaseInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = quarantining.release(quarantine_id=pk, by=self.person, reason=given.validated_data["reason"])
        found = Quarantine.objects.told().get(pk=made.quarantine_id)
        return Response(QuarantineSerializer(found).data)

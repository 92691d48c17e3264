"""Reading the looks of the prospective test."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.common.errors import NotFoundError
from apps.impact.models import WatchLook
from apps.insights.models import Insight

if TYPE_CHECKING:
    from rest_framework.request import Request

LOOK = {
    "id": 7,
    "insight": 3,
    "revision": 1,
    "release": 12,
    "through": "2026-11-20",
    "days": 25,
    "n": 24,
    "false_before": 50,
    "false_after": 2,
    "incidents": 4,
    "gained": 0,
    "lost": 0,
    "effect": -1.92,
    "low": -2.71,
    "high": -1.13,
    "p": 0.0004,
    "lost_p": 1.0,
    "decision": "improved",
    "withdrawn_by": None,
    "method": "always-valid sequence over days",
    "data_hash": "e82ba8a539bc4db357715daca580b4b2b9c9cc9ca822c35df5b468f8a910f66a",
    "code": "357c97f",
    "looked_at": "2026-11-21T12:00:00.000001Z",
}


class WatchLookSerializer(serializers.ModelSerializer[WatchLook]):
    class Meta:
        model = WatchLook
        fields = list(LOOK)
        read_only_fields = fields


class WatchPageSerializer(serializers.Serializer[dict[str, object]]):
    items = WatchLookSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class WatchView(ApiView):
    access: ClassVar = {"GET": Access(scope="insights:read")}

    @extend_schema(
        operation_id="insight_watch",
        summary="Looks of the prospective test at an insight, newest first",
        parameters=PAGE_PARAMETERS,
        responses=WatchPageSerializer,
        examples=[OpenApiExample("page", {"items": [LOOK], "next": None}, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        if not Insight.objects.visible_to(self.person).filter(pk=pk).exists():
            raise NotFoundError(f"There is no insight {pk}.", field="id")
        page = keyset(WatchLook.objects.visible_to(self.person).filter(insight=pk), request, "-id")
        return Response({**page, "items": WatchLookSerializer(page["items"], many=True).data})

"""Reading verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.actions.models import ActionItem
from apps.common.errors import NotFoundError
from apps.impact.models import Verdict

from .serializers import VerdictPageSerializer, VerdictSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

VERDICT = {
    "id": 2,
    "action": 5,
    "insight": 3,
    "revision": 1,
    "release": 12,
    "turn": 1,
    "look": 1,
    "metric": "false_alarms_per_day",
    "method": "sign-flip test over service-days",
    "n": 4,
    "excluded": 0,
    "effect": -2.197,
    "low": -5.119,
    "high": 0.725,
    "p": 0.125,
    "power": None,
    "minimum_detectable_effect": None,
    "verdict": "too_few_data",
    "reason": "4 service-days differ between the two ways; at least 12 are needed to tell",
    "split_hash": "e82ba8a539bc4db357715daca580b4b2b9c9cc9ca822c35df5b468f8a910f66a",
    "evidence": "replay",
    "data_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "code": "186b4c6f0a1d2c3b4e5f60718293a4b5c6d7e8f9",
    "seconds": 0.2,
    "report": {"held_out_days": 12.2, "false_alarms": {"before": 4, "after": 0}},
    "evaluated_at": "2026-11-28T12:00:03.000001Z",
}


class VerdictsView(ApiView):
    access: ClassVar = {"GET": Access(scope="actions:read")}

    @extend_schema(
        operation_id="actions_verdicts",
        summary="What was measured of an action, newest first",
        parameters=PAGE_PARAMETERS,
        responses=VerdictPageSerializer,
        examples=[OpenApiExample("page", {"items": [VERDICT], "next": None}, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        if not ActionItem.objects.visible_to(self.person).filter(pk=pk).exists():
            raise NotFoundError(f"There is no action {pk}.", field="id")
        page = keyset(Verdict.objects.visible_to(self.person).filter(action=pk), request, "-id")
        return Response({**page, "items": VerdictSerializer(page["items"], many=True).data})

"""What failed before, and the caps on one author, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import Role
from apps.insights import services
from apps.insights.models import Misstep, Signal

from . import examples
from .queue_serializers import DecisionSerializer
from .serializers import misstep
from .views import READ, InsightView, free, shown

if TYPE_CHECKING:
    from rest_framework.request import Request


class MisstepList(ApiView):
    """Signals that failed."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="misstep_list",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("service", str, description="Slug of a service"),
            OpenApiParameter("kind", str, enum=Signal.Kind.values),
            OpenApiParameter("why", str, enum=Misstep.Why.values),
        ],
        responses={200: free("page", {"items": [examples.MISSTEP], "next": None})},
    )
    def get(self, request: Request) -> Response:
        """List what failed and why, newest first, by keyset."""
        wanted = {name: request.query_params.get(name, "") for name in ("service", "kind", "why")}
        rows = Misstep.objects.visible_to(self.person).matching(**wanted).told()
        page = keyset(rows, request, "-id")
        return Response({**page, "items": [misstep(row) for row in page["items"]]})


class InsightLiftCap(InsightView):
    """Let one revision go beyond the caps on its authors."""

    access: ClassVar = {"POST": Access(scope="insights:write", roles={Role.OPERATOR, Role.ADMIN})}

    @extend_schema(
        operation_id="insight_lift_cap",
        request=DecisionSerializer,
        examples=[
            OpenApiExample(
                "reason", {"revision": 1, "reason": "The old threshold was a typo."}, request_only=True
            )
        ],
        responses={200: shown("lifted", examples.INSIGHT)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Lift the caps for the newest revision; an operator who approves nothing of it."""
        data: dict[str, Any] = self.told(DecisionSerializer(data=request.data))
        services.lift_cap(
            insight_id=pk, operator=self.person, reason=data["reason"], seen=data.get("revision")
        )
        return Response(self.story(pk))

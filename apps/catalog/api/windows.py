"""Protected windows over HTTP: read, add, end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import Role
from apps.catalog import services
from apps.catalog.models import ProtectedWindow

from .serializers import WindowInput, WindowPageSerializer, WindowSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

KEEPERS: set[str] = {Role.OPERATOR, Role.ADMIN}
DRAFT = {
    "service": "checkout",
    "start_at": "2026-12-20T00:00:00Z",
    "end_at": "2026-12-27T00:00:00Z",
    "reason": "Christmas sale",
}
WINDOW = {
    "id": 4,
    **DRAFT,
    "rrule": "",
    "duration_min": None,
    "created_by": "kim",
    "created_at": "2026-11-21T12:00:00.000001Z",
    "ended_at": None,
    "ended_by": None,
}


class WindowsView(ApiView):
    access: ClassVar = {
        "GET": Access(scope="catalog:read"),
        "POST": Access(scope="api", roles=KEEPERS),
    }

    @extend_schema(
        operation_id="protected_windows_list",
        summary="Protected windows, newest first",
        parameters=PAGE_PARAMETERS,
        responses=WindowPageSerializer,
        examples=[OpenApiExample("windows", {"items": [WINDOW], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = keyset(ProtectedWindow.objects.visible_to(self.person).with_names(), request, "-id")
        return Response({**page, "items": WindowSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="protected_windows_add",
        summary="Protect a service, or the fleet, for a time",
        request=WindowInput,
        responses={201: WindowSerializer},
        examples=[
            OpenApiExample("once", DRAFT, request_only=True),
            OpenApiExample(
                "by rule",
                {"rrule": "FREQ=WEEKLY;BYDAY=MO;BYHOUR=8", "duration_min": 120, "reason": "Monday peak"},
                request_only=True,
            ),
            OpenApiExample("window", WINDOW, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        given = WindowInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = {**given.validated_data, "service": given.validated_data.get("service") or ""}
        window = services.add_window(actor=self.person, **values)
        return Response(WindowSerializer(window).data, status=201)


class WindowEndView(ApiView):
    access: ClassVar = {"POST": Access(scope="api", roles=KEEPERS)}

    @extend_schema(
        operation_id="protected_windows_end",
        summary="End a protected window before its time",
        request=None,
        responses=WindowSerializer,
        examples=[
            OpenApiExample(
                "ended",
                {**WINDOW, "ended_at": "2026-12-21T09:00:00.000001Z", "ended_by": "kim"},
                response_only=True,
            )
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        return Response(WindowSerializer(services.end_window(window_id=pk, actor=self.person)).data)

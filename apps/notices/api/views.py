"""The caller's own notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.notices import services
from apps.notices.models import Notice

from .serializers import NoticePageSerializer, NoticeSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

MINE = Access(scope="notices:read")
NOTICE = {
    "id": 12,
    "kind": "insights.waiting",
    "title": "“Alarm later on checkout” waits for your review",
    "text": "",
    "url": "/insights/4",
    "created_at": "2026-11-21T12:00:00.000000Z",
    "read_at": None,
}


class NoticesView(ApiView):
    access: ClassVar = {"GET": MINE}

    @extend_schema(
        operation_id="notices_list",
        summary="My notices, unread first",
        parameters=PAGE_PARAMETERS,
        responses=NoticePageSerializer,
        examples=[OpenApiExample("page", {"items": [NOTICE], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = keyset(Notice.objects.filter(person=self.person), request, ["is_read", "-id"])
        return Response({**page, "items": NoticeSerializer(page["items"], many=True).data})


class ReadView(ApiView):
    access: ClassVar = {"POST": MINE}

    @extend_schema(
        operation_id="notices_read",
        summary="Tick one of my notices off; twice is once",
        request=None,
        responses=NoticeSerializer,
        examples=[
            OpenApiExample("read", {**NOTICE, "read_at": "2026-11-21T12:05:00.000000Z"}, response_only=True)
        ],
    )
    def post(self, request: Request, notice_id: int) -> Response:
        notice = services.mark_read(notice_id=notice_id, person=self.person)
        return Response(NoticeSerializer(notice).data)

"""Postmortems over HTTP: file, list, read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import Access, ApiView, keyset
from apps.accounts.models import Role
from apps.common.errors import NotFoundError

from .. import services
from ..models import Postmortem
from .serializers import PostmortemDraftSerializer, PostmortemSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

EXAMPLE: dict[str, Any] = {
    "id": 3,
    "title": "Checkout pages every night during the settlement batch",
    "service": "checkout",
    "narrative": "The batch raised latency for forty minutes.\nNobody could feel it.",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "lines": 2,
    "author": "robin",
    "created_at": "2026-11-21T12:00:00Z",
}
PAGE = inline_serializer(
    "PostmortemPage",
    {"items": PostmortemSerializer(many=True), "next": serializers.CharField(allow_null=True)},
)
READ = Access(scope="postmortems:read")
WRITE = Access(
    scope="postmortems:write", roles={Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.ADMIN}
)


class PostmortemList(ApiView):
    """All postmortems, newest first; file one."""

    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="postmortem_list",
        responses={200: OpenApiResponse(PAGE, examples=[OpenApiExample("page", {"items": [EXAMPLE], "next": None})])},
    )
    def get(self, request: Request) -> Response:
        """List postmortems by keyset: ?limit= and ?cursor=."""
        rows = Postmortem.objects.visible_to(self.person).select_related("service", "author")
        page = keyset(rows, request, "-id")
        return Response({**page, "items": PostmortemSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="postmortem_file",
        request=PostmortemDraftSerializer,
        responses={201: OpenApiResponse(PostmortemSerializer, examples=[OpenApiExample("filed", EXAMPLE, response_only=True)])},
    )
    def post(self, request: Request) -> Response:
        """File a postmortem; its lines can then be cited by insights."""
        serializer = PostmortemDraftSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        postmortem = services.file_postmortem(author=self.person, **serializer.validated_data)
        return Response(PostmortemSerializer(postmortem).data, status=201)


class PostmortemDetail(ApiView):
    """One postmortem."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="postmortem_read",
        responses={200: OpenApiResponse(PostmortemSerializer, examples=[OpenApiExample("postmortem", EXAMPLE)])},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read one postmortem with its narrative."""
        rows = Postmortem.objects.visible_to(self.person).select_related("service", "author")
        postmortem = rows.filter(pk=pk).first()
        if postmortem is None:
            raise NotFoundError(f"There is no postmortem {pk}.", field="id")
        return Response(PostmortemSerializer(postmortem).data)

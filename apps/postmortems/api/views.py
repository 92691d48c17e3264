"""Filing and reading postmortems."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import Role
from apps.common.errors import NotFoundError
from apps.postmortems.models import Postmortem
from apps.postmortems.services import file_postmortem

from .serializers import (
    PostmortemInput,
    PostmortemPageSerializer,
    PostmortemSerializer,
    PostmortemSummarySerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="postmortems:read")
WRITE = Access(
    scope="postmortems:write",
    roles={Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN},
)
DRAFT = {
    "title": "Checkout was slow during the settlement batch",
    "service": "checkout",
    "narrative": "02:00 The batch began.\n02:04 Latency doubled, nobody was hurt.\n",
}
SUMMARY = {
    "id": 3,
    "title": DRAFT["title"],
    "service": "checkout",
    "author": "ann",
    "created_at": "2026-11-21T12:00:00.000001Z",
    "sha256": "e82ba8a539bc4db357715daca580b4b2b9c9cc9ca822c35df5b468f8a910f66a",
}
WHOLE = {**SUMMARY, "lines": 2, "narrative": DRAFT["narrative"]}


class PostmortemsView(ApiView):
    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="postmortems_list",
        summary="Postmortems, newest first",
        parameters=[*PAGE_PARAMETERS, OpenApiParameter("service", str, description="only of this service")],
        responses=PostmortemPageSerializer,
        examples=[OpenApiExample("page", {"items": [SUMMARY], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        found = Postmortem.objects.visible_to(self.person).with_names()
        if service := request.query_params.get("service"):
            found = found.filter(service__slug=service)
        page = keyset(found, request, "-id")
        return Response({**page, "items": PostmortemSummarySerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="postmortems_create",
        summary="File a postmortem",
        request=PostmortemInput,
        responses={201: PostmortemSerializer},
        examples=[
            OpenApiExample("draft", DRAFT, request_only=True),
            OpenApiExample("filed", WHOLE, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        given = PostmortemInput(data=request.data)
        given.is_valid(raise_exception=True)
        postmortem = file_postmortem(**given.validated_data, author=self.person)
        return Response(PostmortemSerializer(postmortem).data, status=201)


class PostmortemView(ApiView):
    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="postmortems_read",
        summary="One postmortem with its narrative",
        responses=PostmortemSerializer,
        examples=[OpenApiExample("postmortem", WHOLE, response_only=True)],
    )
    def get(self, request: Request, postmortem_id: int) -> Response:
        found = Postmortem.objects.visible_to(self.person).with_names().filter(pk=postmortem_id).first()
        if found is None:
            raise NotFoundError(f"There is no postmortem {postmortem_id}.", field="id")
        return Response(PostmortemSerializer(found).data)

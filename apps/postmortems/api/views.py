"""Filing and reading postmortems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import Role
from apps.common.errors import NotFoundError
from apps.postmortems.models import Postmortem
from apps.postmortems.review import ReviewIncompleteError
from apps.postmortems.services import file_postmortem, file_review

from .serializers import (
    PostmortemInput,
    PostmortemPageSerializer,
    PostmortemSerializer,
    PostmortemSummarySerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.accounts.models import User

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
WHOLE = {
    **SUMMARY,
    "lines": 2,
    "narrative": DRAFT["narrative"],
    "kind": "text",
    "incident": None,
    "amends": None,
    "review": None,
}
REVIEW = {
    "title": "The connection pool ran full",
    "service": "checkout",
    "summary": "For an hour nobody could pay.",
    "labels": {
        "failure_mode": ["capacity_saturation"],
        "service_tier": "tier_1",
        "timing": "off_hours",
        "remediation": ["rollback"],
        "contributing_factor": ["handover_gap"],
    },
    "timeline": [{"at": "2026-11-20T14:02Z", "kind": "event", "text": "The pool was full"}],
    "observations": [{"text": "The pool was full.", "evidence": "Panel 3"}],
    "recommendations": [{"text": "Watch the pool.", "cites": [1]}],
}


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
            OpenApiExample("review", REVIEW, request_only=True),
            OpenApiExample("filed", WHOLE, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        given = PostmortemInput(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(PostmortemSerializer(_file(given.validated_data, self.person)).data, status=201)


class PostmortemView(ApiView):
    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="postmortems_read",
        summary="One postmortem with its narrative",
        responses=PostmortemSerializer,
        examples=[OpenApiExample("postmortem", WHOLE, response_only=True)],
    )
    def get(self, request: Request, postmortem_id: int) -> Response:
        found = Postmortem.objects.visible_to(self.person).with_parts().filter(pk=postmortem_id).first()
        if found is None:
            raise NotFoundError(f"There is no postmortem {postmortem_id}.", field="id")
        return Response(PostmortemSerializer(found).data)


def _file(given: dict[str, Any], author: User) -> Postmortem:
    """A text, or a review by its parts.

    Raises:
        ValidationError: of every part that is missing or wrong, by its path in the request.
    """
    if "narrative" in given:
        return file_postmortem(**given, author=author)
    rest = {name: value for name, value in given.items() if name not in {"incident", "amends"}}
    needed: dict[str, Any] = {"summary": "", "labels": {}, "observations": []}
    try:
        return file_review(
            **{**needed, **rest},
            incident_id=given.get("incident"),
            amends_id=given.get("amends"),
            author=author,
        )
    except ReviewIncompleteError as error:
        errors: dict[str, Any] = {}
        for problem in error.problems:
            into = errors
            for name in problem.path[:-1]:
                into = into.setdefault(str(name), {})
            into.setdefault(str(problem.path[-1]), []).append(ErrorDetail(problem.text, problem.code))
        raise ValidationError(errors) from error

"""Opening, reading and finishing action items."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import AUTHORS
from apps.actions.models import ActionItem, State
from apps.actions.services import amend_action, mark_done, open_action
from apps.common.errors import InvalidInputError, NotFoundError

from .serializers import (
    ActionInput,
    ActionPageSerializer,
    ActionSerializer,
    ChangeInput,
    DoneInput,
    changed,
    resolved,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="actions:read")
WRITE = Access(scope="actions:write", roles=AUTHORS)
DRAFT = {
    "title": "Alarm on the queue only after half an hour",
    "owner": "ann",
    "due_on": "2026-12-24",
    "kind": "detect",
    "service": "payments",
    "insight": 3,
    "metric": "false_alarms_per_day",
    "direction": "down",
    "smallest_effect": 0.3,
    "population": {"services": ["payments"]},
    "window_days": 84,
    "settle_days": 7,
    "test": "sign_flip",
}
ACTION = {
    "id": 5,
    **DRAFT,
    "criterion_registered_at": "2026-11-21T12:00:00.000001Z",
    "state": "open",
    "postmortem": None,
    "rank": None,
    "reason": "",
    "done_at": None,
    "created_by": "ann",
    "created_at": "2026-11-21T12:00:00.000001Z",
    "version": 1,
}
DONE = {**ACTION, "state": "done", "done_at": "2026-11-28T12:00:00.000001Z", "version": 2}


class ActionsView(ApiView):
    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="actions_list",
        summary="Action items, newest first",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("owner", str, description="user name of the owner"),
            OpenApiParameter("state", str, enum=State.values, description="only in this state"),
            OpenApiParameter("service", str, description="only of this service"),
            OpenApiParameter("insight", int, description="only on this insight"),
        ],
        responses=ActionPageSerializer,
        examples=[OpenApiExample("page", {"items": [ACTION], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        found = ActionItem.objects.visible_to(self.person).with_names()
        for name, column in (("owner", "owner__username"), ("state", "state"), ("service", "service__slug")):
            if value := request.query_params.get(name):
                if "\x00" in value:
                    raise InvalidInputError("It has a NUL character.", field=name)
                found = found.filter(**{column: value})
        if insight := request.query_params.get("insight"):
            if not (insight.isascii() and insight.isdigit() and len(insight) < 19):  # noqa: PLR2004  # bigint
                raise InvalidInputError("insight is a whole number.", field="insight")
            found = found.filter(insight_id=int(insight))
        page = keyset(found, request, "-id")
        return Response({**page, "items": ActionSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="actions_create",
        summary="Open an action item",
        request=ActionInput,
        responses={201: ActionSerializer},
        examples=[
            OpenApiExample("draft", DRAFT, request_only=True),
            OpenApiExample("opened", ACTION, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        given = ActionInput(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            action = open_action(**resolved(given.validated_data), created_by=self.person)
        except InvalidInputError as error:
            # The API's names of two fields are shorter than the service's.
            error.field = (error.field or "").removesuffix("_id") or None
            raise
        return Response(ActionSerializer(action).data, status=201)


class ActionView(ApiView):
    access: ClassVar = {"GET": READ, "PATCH": WRITE}

    @extend_schema(
        operation_id="actions_change",
        summary="Change an action that is to do; a changed criterion is registered anew",
        request=ChangeInput,
        responses=ActionSerializer,
        examples=[
            OpenApiExample("change", {"version": 1, "due_on": "2027-01-15"}, request_only=True),
            OpenApiExample("changed", {**ACTION, "due_on": "2027-01-15"}, response_only=True),
        ],
    )
    def patch(self, request: Request, pk: int) -> Response:
        given = ChangeInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = changed(given.validated_data)
        seen = values.pop("version")
        try:
            action = amend_action(action_id=pk, seen_version=seen, actor=self.person, **values)
        except InvalidInputError as error:
            error.field = (error.field or "").removesuffix("_id") or None
            raise
        return Response(ActionSerializer(action).data)

    @extend_schema(
        operation_id="actions_read",
        summary="One action item",
        responses=ActionSerializer,
        examples=[OpenApiExample("action", ACTION, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        found = ActionItem.objects.visible_to(self.person).with_names().filter(pk=pk).first()
        if found is None:
            raise NotFoundError(f"There is no action {pk}.", field="id")
        return Response(ActionSerializer(found).data)


class DoneView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_done",
        summary="Mark an action as done; a worker then measures its effect",
        request=DoneInput,
        responses=ActionSerializer,
        examples=[
            OpenApiExample("note", {"note": "Served since release 12."}, request_only=True),
            OpenApiExample("done", DONE, response_only=True),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = DoneInput(data=request.data)
        given.is_valid(raise_exception=True)
        action = mark_done(action_id=pk, actor=self.person, note=given.validated_data["note"])
        return Response(ActionSerializer(action).data)

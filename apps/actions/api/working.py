"""What happens to an action item: started, dropped, handed over, taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import ApiView
from apps.accounts.inputs import StrictSerializer
from apps.actions import services
from apps.actions.models import GIVEN_UP, MAX_NOTE, MAX_USERNAME, State

from .serializers import ActionSerializer, DoneInput, person
from .views import ACTION, WRITE

if TYPE_CHECKING:
    from rest_framework.request import Request


class NothingInput(StrictSerializer):
    """An empty body."""


class DropInput(StrictSerializer):
    reason = serializers.CharField(max_length=MAX_NOTE)
    state = serializers.CharField(default=State.NOT_DOING.value, help_text=f"one of {', '.join(GIVEN_UP)}")


class ReassignInput(StrictSerializer):
    owner = serializers.CharField(max_length=MAX_USERNAME, help_text="user name")
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")


class StartView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_start",
        summary="Say that work has begun",
        request=NothingInput,
        responses=ActionSerializer,
        examples=[
            OpenApiExample("nothing", {}, request_only=True),
            OpenApiExample("started", {**ACTION, "state": "in_progress", "version": 2}, response_only=True),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        NothingInput(data=request.data).is_valid(raise_exception=True)
        return Response(ActionSerializer(services.start(action_id=pk, actor=self.person)).data)


class DropView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_drop",
        summary="Say that it will not be done, and why",
        request=DropInput,
        responses=ActionSerializer,
        examples=[
            OpenApiExample("reason", {"reason": "The batch is gone."}, request_only=True),
            OpenApiExample(
                "dropped",
                {**ACTION, "state": "not_doing", "reason": "The batch is gone.", "version": 2},
                response_only=True,
            ),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = DropInput(data=request.data)
        given.is_valid(raise_exception=True)
        action = services.drop_action(action_id=pk, actor=self.person, **given.validated_data)
        return Response(ActionSerializer(action).data)


class ReassignView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_reassign",
        summary="Give an action to somebody else",
        request=ReassignInput,
        responses=ActionSerializer,
        examples=[
            OpenApiExample("to", {"owner": "bob", "note": "Your turn."}, request_only=True),
            OpenApiExample("reassigned", {**ACTION, "owner": "bob", "version": 2}, response_only=True),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = ReassignInput(data=request.data)
        given.is_valid(raise_exception=True)
        owner = person(given.validated_data["owner"])
        note = given.validated_data["note"]
        action = services.reassign(action_id=pk, owner=owner, actor=self.person, note=note)
        return Response(ActionSerializer(action).data)


class ReopenView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_reopen",
        summary="Take up again what was done or given up",
        request=DoneInput,
        responses=ActionSerializer,
        examples=[
            OpenApiExample("note", {"note": "It came back."}, request_only=True),
            OpenApiExample("open", {**ACTION, "version": 3}, response_only=True),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = DoneInput(data=request.data)
        given.is_valid(raise_exception=True)
        note = given.validated_data["note"]
        return Response(ActionSerializer(services.reopen(action_id=pk, actor=self.person, note=note)).data)

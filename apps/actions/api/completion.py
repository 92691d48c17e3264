"""Completion against target, and handing over many actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import Access, ApiView
from apps.accounts.inputs import StrictSerializer
from apps.accounts.models import Role
from apps.actions import completion, services
from apps.actions.models import MAX_NOTE, MAX_USERNAME, Kind
from apps.common.errors import InvalidInputError

from .serializers import person
from .views import READ, WRITE
from .working import NothingInput

if TYPE_CHECKING:
    from rest_framework.request import Request

SETTLE = Access(scope="actions:write", roles=frozenset({Role.ADMIN}))
SHARE = {
    "label": "Tier 1",
    "code": "tier_1",
    "n": 20,
    "on_time": 17,
    "late": 2,
    "open": 1,
    "excluded": 1,
    "target": 0.8,
    "share": 0.85,
    "low": 0.64,
    "high": 0.948,
    "verdict": "undecided",
}


class ShareSerializer(serializers.Serializer[completion.Share]):
    label = serializers.CharField()  # type: ignore[assignment]  # a field of this name hides DRF's attribute
    code = serializers.CharField(help_text="tier or month")
    n = serializers.IntegerField(help_text="fell due, cancelled ones left out")
    on_time = serializers.IntegerField()
    late = serializers.IntegerField()
    open = serializers.IntegerField(help_text="not done")
    excluded = serializers.IntegerField(help_text="cancelled")
    target = serializers.FloatField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True, help_text="Wilson, 95 %")
    high = serializers.FloatField(allow_null=True)
    verdict = serializers.CharField(help_text="met, missed, undecided or too_few_data")


class CompletionSerializer(serializers.Serializer[completion.Completion]):
    since = serializers.DateField()
    until = serializers.DateField()
    whole = ShareSerializer()
    tiers = ShareSerializer(many=True)
    months = ShareSerializer(many=True)


class TargetInput(StrictSerializer):
    tier = serializers.CharField(max_length=60, allow_blank=True, help_text="empty: no tier")
    share = serializers.FloatField()
    escalate_days = serializers.IntegerField()


class HandOverInput(StrictSerializer):
    actions = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1))
    owner = serializers.CharField(max_length=MAX_USERNAME, help_text="user name")
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")


class HandedOverSerializer(serializers.Serializer[dict[str, object]]):
    batch = serializers.CharField(help_text="by which it is undone")
    changed = serializers.IntegerField()


class UndoneSerializer(serializers.Serializer[dict[str, object]]):
    given_back = serializers.IntegerField()
    left = serializers.IntegerField(help_text="changed since")


class CompletionView(ApiView):
    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="actions_completion",
        summary="What share of actions was done by their due dates",
        parameters=[
            OpenApiParameter("team", str, description="only of services of this team"),
            OpenApiParameter("service", str, description="only of this service"),
            OpenApiParameter("kind", str, enum=Kind.values, description="only of this kind"),
            OpenApiParameter("owner", str, description="user name of the owner"),
        ],
        responses=CompletionSerializer,
        examples=[
            OpenApiExample(
                "quarter",
                {
                    "since": "2026-08-22",
                    "until": "2026-11-20",
                    "whole": SHARE,
                    "tiers": [SHARE],
                    "months": [SHARE],
                },
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        given = {name: request.query_params.get(name, "") for name in ("team", "service", "kind", "owner")}
        for name, value in given.items():
            if "\x00" in value:
                raise InvalidInputError("It has a NUL character.", field=name)
        return Response(CompletionSerializer(completion.of(self.person, given)).data)


class TargetView(ApiView):
    access: ClassVar = {"POST": SETTLE}

    @extend_schema(
        operation_id="actions_target",
        summary="Set the completion target of a tier",
        request=TargetInput,
        responses={204: None},
        examples=[
            OpenApiExample("target", {"tier": "tier_1", "share": 0.9, "escalate_days": 7}, request_only=True)
        ],
    )
    def post(self, request: Request) -> Response:
        given = TargetInput(data=request.data)
        given.is_valid(raise_exception=True)
        services.set_target(**given.validated_data, actor=self.person)
        return Response(status=204)


class HandOverView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_hand_over",
        summary="Give several actions to one person, all or none",
        request=HandOverInput,
        responses=HandedOverSerializer,
        examples=[
            OpenApiExample("two", {"actions": [5, 6], "owner": "bob"}, request_only=True),
            OpenApiExample("done", {"batch": "9f1c", "changed": 2}, response_only=True),
        ],
    )
    def post(self, request: Request) -> Response:
        given = HandOverInput(data=request.data)
        given.is_valid(raise_exception=True)
        values = given.validated_data
        batch, changed = services.reassign_many(
            action_ids=values["actions"],
            owner=person(values["owner"]),
            note=values["note"],
            actor=self.person,
        )
        return Response({"batch": batch, "changed": changed})


class UndoView(ApiView):
    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="actions_hand_over_undo",
        summary="Give back what was handed over together and did not change since",
        request=NothingInput,
        responses=UndoneSerializer,
        examples=[
            OpenApiExample("nothing", {}, request_only=True),
            OpenApiExample("undone", {"given_back": 2, "left": 0}, response_only=True),
        ],
    )
    def post(self, request: Request, batch: str) -> Response:
        NothingInput(data=request.data).is_valid(raise_exception=True)
        back, left = services.undo_reassign(batch=batch, actor=self.person)
        return Response({"given_back": back, "left": left})

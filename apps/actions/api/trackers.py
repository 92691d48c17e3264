"""Issue trackers, and the issue of an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.inputs import StrictSerializer
from apps.accounts.models import Role, User
from apps.actions import services
from apps.actions.models import ActionItem, IssueLink, Tracker
from apps.actions.models.trackers import MAX_KEY, MAX_LOGIN, MAX_PROJECT, MAX_TRACKER_NAME, MAX_URL
from apps.actions.services.tracking import MAX_TOKEN, live
from apps.common.errors import InvalidInputError, NotFoundError
from apps.common.times import iso_us

from .views import READ, WRITE
from .working import NothingInput

if TYPE_CHECKING:
    from datetime import datetime

    from rest_framework.request import Request

RUN = Access(scope="api", roles=frozenset({Role.ADMIN}))
DRAFT = {
    "name": "Shop",
    "kind": "github",
    "base_url": "https://api.github.com",
    "project": "octo/shop",
    "token": "ghp_…",
}
TRACKER = {
    "id": 1,
    "name": "Shop",
    "kind": "github",
    "base_url": "https://api.github.com",
    "project": "octo/shop",
    "account": "",
    "issue_type": "Task",
    "webhook": "https://aftercast.example/hooks/trackers/5f0c7a52-0000-4000-8000-000000000000",
    "tested_at": None,
    "fault": "",
}
ISSUE = {
    "tracker": 1,
    "key": "42",
    "url": "https://github.com/octo/shop/issues/42",
    "state": "open",
    "title": "Alarm on the queue only after half an hour",
    "awaits_reason": "",
    "pending": [],
    "error": "",
    "synced_at": "2026-11-21T12:00:00.000001Z",
    "retry_at": None,
}


class TrackerInput(StrictSerializer):
    name = serializers.CharField(max_length=MAX_TRACKER_NAME)
    kind = serializers.CharField(help_text="github or jira")
    base_url = serializers.CharField(max_length=MAX_URL)
    project = serializers.CharField(max_length=MAX_PROJECT)
    token = serializers.CharField(max_length=MAX_TOKEN, help_text="kept encrypted, never shown again")
    account = serializers.CharField(max_length=MAX_LOGIN, required=False, allow_blank=True)
    issue_type = serializers.CharField(max_length=60, required=False, allow_blank=True)


class TrackerSerializer(serializers.ModelSerializer[Tracker]):
    webhook = serializers.SerializerMethodField()
    tested_at = serializers.SerializerMethodField()

    class Meta:
        model = Tracker
        fields = [
            *("id", "name", "kind", "base_url", "project", "account", "issue_type", "webhook", "tested_at"),
            "fault",
        ]

    def get_webhook(self, row: Tracker) -> str:
        return settings.PUBLIC_URL + reverse("actions:tracker-hook", args=[row.key])

    def get_tested_at(self, row: Tracker) -> str | None:
        return _moment(row.tested_at)


class MadeTrackerSerializer(TrackerSerializer):
    webhook_secret = serializers.SerializerMethodField(help_text="shown this once")

    class Meta(TrackerSerializer.Meta):
        fields = [*TrackerSerializer.Meta.fields, "webhook_secret"]

    def get_webhook_secret(self, row: Tracker) -> str:
        return str(self.context["secret"])


class TrackerPageSerializer(serializers.Serializer[dict[str, object]]):
    items = TrackerSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class AnsweredSerializer(serializers.Serializer[dict[str, object]]):
    project = serializers.CharField(help_text="as the tracker calls it")


class PeopleInput(StrictSerializer):
    people = serializers.DictField(
        child=serializers.CharField(max_length=MAX_LOGIN, allow_blank=True),
        help_text="{user name here: login, account id or user name there}; empty for nobody",
    )


class IssueInput(StrictSerializer):
    tracker = serializers.IntegerField(min_value=1)
    key = serializers.CharField(
        max_length=MAX_KEY, required=False, allow_blank=True, default="", help_text="empty makes a new issue"
    )


class IssueSerializer(serializers.ModelSerializer[IssueLink]):
    tracker = serializers.IntegerField(source="tracker_id", read_only=True)
    state = serializers.CharField(source="remote_state", read_only=True)
    title = serializers.CharField(source="remote_title", read_only=True)
    pending = serializers.SerializerMethodField(help_text="what the issue was not told yet")
    synced_at = serializers.SerializerMethodField()
    retry_at = serializers.SerializerMethodField()

    class Meta:
        model = IssueLink
        fields = [
            *("tracker", "key", "url", "state", "title", "awaits_reason", "pending", "error", "synced_at"),
            "retry_at",
        ]

    def get_pending(self, row: IssueLink) -> list[str]:
        return sorted(row.pending)

    def get_synced_at(self, row: IssueLink) -> str | None:
        return _moment(row.synced_at)

    def get_retry_at(self, row: IssueLink) -> str | None:
        return _moment(row.retry_at)


class TrackersView(ApiView):
    access: ClassVar = {"GET": RUN, "POST": RUN}

    @extend_schema(
        operation_id="trackers_list",
        summary="Issue trackers",
        parameters=PAGE_PARAMETERS,
        responses=TrackerPageSerializer,
        examples=[OpenApiExample("page", {"items": [TRACKER], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        found = keyset(Tracker.objects.filter(removed_at=None), request, "id")
        return Response({**found, "items": TrackerSerializer(found["items"], many=True).data})

    @extend_schema(
        operation_id="trackers_create",
        summary="Add an issue tracker; the answer has the secret of its webhook",
        request=TrackerInput,
        responses={201: MadeTrackerSerializer},
        examples=[
            OpenApiExample("draft", DRAFT, request_only=True),
            OpenApiExample(
                "added", {**TRACKER, "webhook_secret": "…"}, response_only=True, status_codes=["201"]
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        given = TrackerInput(data=request.data)
        given.is_valid(raise_exception=True)
        tracker, secret = services.add_tracker(**given.validated_data, actor=self.person)
        return Response(MadeTrackerSerializer(tracker, context={"secret": secret}).data, status=201)


class TrackerView(ApiView):
    access: ClassVar = {"GET": RUN, "DELETE": RUN}

    @extend_schema(
        operation_id="trackers_read",
        summary="One issue tracker",
        responses=TrackerSerializer,
        examples=[OpenApiExample("tracker", TRACKER, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        return Response(TrackerSerializer(live(pk)).data)

    @extend_schema(
        operation_id="trackers_remove",
        summary="Remove an issue tracker and wipe its secrets",
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        services.remove_tracker(tracker_id=pk, actor=self.person)
        return Response(status=204)


class TestView(ApiView):
    __test__ = False  # no test of ours
    access: ClassVar = {"POST": RUN}

    @extend_schema(
        operation_id="trackers_test",
        summary="Send a test call",
        request=NothingInput,
        responses=AnsweredSerializer,
        examples=[
            OpenApiExample("nothing", {}, request_only=True),
            OpenApiExample("answer", {"project": "octo/shop"}, response_only=True),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        NothingInput(data=request.data).is_valid(raise_exception=True)
        return Response({"project": services.try_tracker(tracker_id=pk, actor=self.person)})


class PeopleView(ApiView):
    access: ClassVar = {"POST": RUN}

    @extend_schema(
        operation_id="trackers_people",
        summary="Say who our people are in a tracker",
        request=PeopleInput,
        responses={204: None},
        examples=[OpenApiExample("people", {"people": {"ann": "octocat"}}, request_only=True)],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = PeopleInput(data=request.data)
        given.is_valid(raise_exception=True)
        named: dict[str, str] = given.validated_data["people"]
        known = dict(User.objects.filter(username__in=named).values_list("username", "pk"))
        if strange := sorted(set(named) - set(known)):
            raise InvalidInputError(f"There is no person {strange[0]}.", field=f"people.{strange[0]}")
        logins = {known[name]: login for name, login in named.items()}
        services.name_people(tracker_id=pk, logins=logins, actor=self.person)
        return Response(status=204)


class IssueView(ApiView):
    access: ClassVar = {"GET": READ, "POST": WRITE, "DELETE": WRITE}

    @extend_schema(
        operation_id="actions_issue_read",
        summary="The issue of an action, and whether both are in step",
        responses=IssueSerializer,
        examples=[OpenApiExample("issue", ISSUE, response_only=True)],
    )
    def get(self, request: Request, pk: int) -> Response:
        action = ActionItem.objects.visible_to(self.person).filter(pk=pk)
        found = IssueLink.objects.filter(action__in=action, removed_at=None).first()
        if found is None:
            raise NotFoundError("This action has no issue.", field="id")
        return Response(IssueSerializer(found).data)

    @extend_schema(
        operation_id="actions_issue_link",
        summary="Link an action to an issue that exists, or to a new one",
        request=IssueInput,
        responses={201: IssueSerializer},
        examples=[
            OpenApiExample("existing", {"tracker": 1, "key": "42"}, request_only=True),
            OpenApiExample("linked", ISSUE, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request, pk: int) -> Response:
        given = IssueInput(data=request.data)
        given.is_valid(raise_exception=True)
        values: dict[str, Any] = given.validated_data
        link = services.link_issue(
            action_id=pk, tracker_id=values["tracker"], key=values["key"], actor=self.person
        )
        return Response(IssueSerializer(link).data, status=201)

    @extend_schema(
        operation_id="actions_issue_unlink",
        summary="Part an action from its issue, which stays as it is",
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        services.unlink_issue(action_id=pk, actor=self.person)
        return Response(status=204)


def _moment(at: datetime | None) -> str | None:
    return iso_us(at) if at else None

"""Action items as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.accounts.models import User
from apps.actions.models import MAX_NOTE, MAX_TITLE, MAX_USERNAME, ActionItem, Kind
from apps.catalog.models import MAX_SLUG, Service
from apps.common.errors import InvalidInputError
from apps.common.times import iso_us

if TYPE_CHECKING:
    from datetime import datetime


class PopulationInput(StrictSerializer):
    services = serializers.ListField(
        child=serializers.CharField(max_length=MAX_SLUG), max_length=200, required=False
    )


class ActionInput(StrictSerializer):
    title = serializers.CharField(max_length=MAX_TITLE)
    owner = serializers.CharField(max_length=MAX_USERNAME, help_text="user name")
    due_on = serializers.DateField()
    kind = serializers.CharField(default=Kind.MITIGATE.value)
    service = serializers.CharField(max_length=MAX_SLUG, required=False, allow_null=True)
    postmortem = serializers.IntegerField(required=False, allow_null=True)
    insight = serializers.IntegerField(required=False, allow_null=True)
    metric = serializers.CharField(required=False, allow_blank=True)
    direction = serializers.CharField(required=False, allow_blank=True)
    smallest_effect = serializers.FloatField(
        required=False, allow_null=True, help_text="a share of 1, of time to detect seconds"
    )
    population = PopulationInput(required=False, allow_null=True)
    window_days = serializers.IntegerField(
        required=False, allow_null=True, help_text="28 to 365; 84 if not given"
    )
    settle_days = serializers.IntegerField(
        required=False, allow_null=True, help_text="0 to 56; 7 if not given"
    )
    test = serializers.CharField(required=False, allow_blank=True, help_text="one that fits the metric")
    rank = serializers.IntegerField(required=False, allow_null=True)


class ChangeInput(StrictSerializer):
    """What is not given stays as it is; the owner changes by reassigning."""

    version = serializers.IntegerField(min_value=1, help_text="the version that was read")
    title = serializers.CharField(max_length=MAX_TITLE, required=False)
    due_on = serializers.DateField(required=False)
    kind = serializers.CharField(required=False)
    service = serializers.CharField(max_length=MAX_SLUG, required=False, allow_null=True)
    insight = serializers.IntegerField(required=False, allow_null=True)
    metric = serializers.CharField(required=False, allow_blank=True)
    direction = serializers.CharField(required=False, allow_blank=True)
    smallest_effect = serializers.FloatField(required=False, allow_null=True)
    population = PopulationInput(required=False, allow_null=True)
    window_days = serializers.IntegerField(required=False, allow_null=True)
    settle_days = serializers.IntegerField(required=False, allow_null=True)
    test = serializers.CharField(required=False, allow_blank=True)
    rank = serializers.IntegerField(required=False, allow_null=True)


class DoneInput(StrictSerializer):
    note = serializers.CharField(max_length=MAX_NOTE, required=False, allow_blank=True, default="")


class ActionSerializer(serializers.ModelSerializer[ActionItem]):
    owner = serializers.CharField(source="owner.username", read_only=True)
    created_by = serializers.CharField(source="created_by.username", read_only=True)
    service = serializers.CharField(source="service.slug", read_only=True, default=None, allow_null=True)
    postmortem = serializers.IntegerField(source="postmortem_id", read_only=True, allow_null=True)
    insight = serializers.IntegerField(source="insight_id", read_only=True, allow_null=True)
    population = PopulationInput(read_only=True)
    criterion_registered_at = serializers.SerializerMethodField()
    done_at = serializers.SerializerMethodField()
    created_at = serializers.SerializerMethodField()

    class Meta:
        model = ActionItem
        fields = [
            *(
                "id",
                "title",
                "kind",
                "owner",
                "due_on",
                "state",
                "service",
                "postmortem",
                "insight",
                "metric",
            ),
            *("direction", "smallest_effect", "population", "window_days", "settle_days", "test"),
            *("criterion_registered_at", "rank", "reason", "done_at", "created_by", "created_at", "version"),
        ]

    def get_criterion_registered_at(self, row: ActionItem) -> str | None:
        moment: datetime | None = row.criterion_registered_at
        return iso_us(moment) if moment else None

    def get_done_at(self, row: ActionItem) -> str | None:
        moment: datetime | None = row.done_at
        return iso_us(moment) if moment else None

    def get_created_at(self, row: ActionItem) -> str:
        moment: datetime = row.created_at
        return iso_us(moment)


class ActionPageSerializer(serializers.Serializer[dict[str, object]]):
    items = ActionSerializer(many=True)
    next = serializers.CharField(allow_null=True)


def resolved(given: dict[str, Any]) -> dict[str, Any]:
    """Names of people and services as their rows; ids under the names that the service knows.

    Raises:
        InvalidInputError: there is no such person or service.
    """
    values = changed({"service": None, **given})
    values["owner"] = person(values["owner"])
    return values


def changed(given: dict[str, Any]) -> dict[str, Any]:
    """The same for a change, in which nothing need be given and no owner is.

    Raises:
        InvalidInputError: there is no such service.
    """
    values = dict(given)
    if "service" in values:
        slug = values["service"]
        values["service"] = Service.objects.filter(slug=slug).first() if slug else None
        if slug and values["service"] is None:
            raise InvalidInputError(f"There is no service {slug}.", field="service")
    for short in ("postmortem", "insight"):
        if short in values:
            values[f"{short}_id"] = values.pop(short)
    return values


def person(name: str) -> User:
    """The person of a user name.

    Raises:
        InvalidInputError: there is no such one.
    """
    found = User.objects.filter(username=name).first()
    if found is None:
        raise InvalidInputError(f"There is no person {name}.", field="owner")
    return found

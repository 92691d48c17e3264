"""People's tokens as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.accounts.models import ApiToken, Role
from apps.accounts.tokens import MAX_DAYS, MAX_NAME, SCOPES
from apps.common.times import iso_us

if TYPE_CHECKING:
    from datetime import datetime


class TokenInput(StrictSerializer):
    name = serializers.CharField(max_length=MAX_NAME)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(SCOPES)), min_length=1, max_length=len(SCOPES)
    )
    days = serializers.IntegerField(min_value=1, max_value=MAX_DAYS, default=90)
    min_confidence = serializers.FloatField(min_value=0, max_value=1, required=False, allow_null=True)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    created_at = serializers.SerializerMethodField()
    expires_at = serializers.SerializerMethodField()
    revoked_at = serializers.SerializerMethodField()

    class Meta:
        model = ApiToken
        fields = ["id", "name", "hint", "scopes", "min_confidence", "created_at", "expires_at", "revoked_at"]

    def get_created_at(self, row: ApiToken) -> str:
        moment: datetime = row.created_at
        return iso_us(moment)

    def get_expires_at(self, row: ApiToken) -> str:
        return iso_us(row.expires_at)

    def get_revoked_at(self, row: ApiToken) -> str | None:
        return None if row.revoked_at is None else iso_us(row.revoked_at)


class TokenPageSerializer(serializers.Serializer[dict[str, object]]):
    items = TokenSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class NewTokenSerializer(serializers.Serializer[dict[str, object]]):
    token = serializers.CharField(help_text="shown this once")


class MeSerializer(serializers.Serializer[dict[str, object]]):
    username = serializers.CharField()
    email = serializers.CharField()
    is_service = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.ChoiceField(choices=Role.choices))
    teams = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="of the token; null in a browser session"
    )

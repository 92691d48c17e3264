"""What the API takes of a decision, and shows of the queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.insights.models import Revision
from apps.insights.waiting import Queue

from .serializers import misstep, still_missing

if TYPE_CHECKING:
    from apps.insights.models import Misstep


class DecisionSerializer(StrictSerializer):
    """A no, or a no taken back. `revision`: what the reviewer read; `reason` goes to the author and stays."""

    reason = serializers.CharField(max_length=2000)
    revision = serializers.IntegerField(min_value=1, required=False)


class WaitingSerializer(serializers.Serializer[Revision]):
    """One row of the queue: a newest revision that is not served yet."""

    missteps = serializers.SerializerMethodField(help_text="What failed before of a near signal")
    insight = serializers.IntegerField(source="insight_id")
    revision = serializers.IntegerField(source="number")
    title = serializers.CharField()
    author = serializers.CharField(source="author.username")
    since = serializers.DateTimeField(source="created_at")
    gate = serializers.SerializerMethodField()
    waits_for = serializers.SerializerMethodField()

    def get_gate(self, revision: Revision) -> str | None:
        """The newest verdict of the gate."""
        results = list(revision.gate_results.all())
        return results[-1].verdict if results else None

    def get_missteps(self, revision: Revision) -> list[dict[str, Any]]:
        near: dict[int, list[Misstep]] = self.context["missteps"]
        return [misstep(row) for row in near[revision.pk]]

    def get_waits_for(self, revision: Revision) -> list[str]:
        return still_missing(revision.insight, revision)


class QueueSerializer(serializers.Serializer[Queue]):
    """What waits: for the caller to judge, for the caller to change, for others. Longest waiting first."""

    to_review = WaitingSerializer(many=True)
    to_change = WaitingSerializer(many=True)
    for_others = WaitingSerializer(many=True)

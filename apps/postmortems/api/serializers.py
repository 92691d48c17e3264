"""Postmortems as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.catalog.models import MAX_SLUG
from apps.common.times import iso_us
from apps.postmortems.models import MAX_NARRATIVE, MAX_TITLE, Postmortem
from apps.postmortems.words import FIELDS

if TYPE_CHECKING:
    from datetime import datetime

PARTS = ("summary", "labels", "observations", "recommendations", "timeline", "incident")
OF_REVIEWS = (*PARTS, "kind", "no_human_factor_reason", "amends", "actions")


class TimelineEntryInput(StrictSerializer):
    at = serializers.CharField(help_text="2026-11-20 14:02, in UTC or with an offset")
    kind = serializers.CharField(help_text="event, decision, tool or communication")
    text = serializers.CharField()
    actor_role = serializers.CharField(required=False, allow_blank=True)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name, as DRF allows
        required=False, allow_blank=True
    )
    precision = serializers.CharField(
        required=False, help_text="second, minute, hour or day; as written if not given"
    )


class ObservationInput(StrictSerializer):
    text = serializers.CharField(trim_whitespace=False)
    evidence = serializers.CharField(required=False, allow_blank=True)


class RecommendationInput(StrictSerializer):
    text = serializers.CharField(trim_whitespace=False)
    cites = serializers.ListField(
        child=serializers.IntegerField(min_value=1), help_text="numbers of observations, from 1"
    )


class ReviewActionInput(StrictSerializer):
    title = serializers.CharField()
    owner = serializers.CharField(help_text="a user name")
    due_on = serializers.CharField(help_text="2026-11-20")
    kind = serializers.CharField(help_text="detect, mitigate, prevent, process, investigate or repair")
    metric = serializers.CharField(required=False, allow_blank=True)
    direction = serializers.CharField(required=False, allow_blank=True)


class PostmortemInput(StrictSerializer):
    """A text by its `narrative`, or a review by its parts, of which the narrative is composed."""

    title = serializers.CharField(max_length=MAX_TITLE)
    service = serializers.CharField(max_length=MAX_SLUG, trim_whitespace=False)
    # Kept word for word: its hash must be that of the text that was sent.
    narrative = serializers.CharField(max_length=MAX_NARRATIVE, trim_whitespace=False, required=False)
    kind = serializers.CharField(required=False, help_text="incident (the default) or near_miss")
    incident = serializers.IntegerField(required=False, min_value=1)
    amends = serializers.IntegerField(
        required=False, min_value=1, help_text="the version that this one replaces"
    )
    summary = serializers.CharField(required=False, trim_whitespace=False)
    labels = serializers.DictField(required=False, help_text="codes by vocabulary: a text, or a list of them")
    no_human_factor_reason = serializers.CharField(required=False, allow_blank=True)
    timeline = TimelineEntryInput(many=True, required=False)
    observations = ObservationInput(many=True, required=False)
    recommendations = RecommendationInput(many=True, required=False)
    actions = ReviewActionInput(many=True, required=False)

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        parts = sorted(set(given) & set(OF_REVIEWS))
        if "narrative" in given and parts:
            raise serializers.ValidationError(
                {parts[0]: ["A review has no narrative of its own: send its parts, or the narrative."]},
                code="narrative_and_parts",
            )
        if "narrative" not in given and not parts:
            raise serializers.ValidationError({"narrative": ["This field is required."]}, code="required")
        return given


class PostmortemSummarySerializer(serializers.ModelSerializer[Postmortem]):
    service = serializers.CharField(source="service.slug", read_only=True)
    author = serializers.CharField(source="author.username", read_only=True)
    created_at = serializers.SerializerMethodField()

    class Meta:
        model = Postmortem
        fields = ["id", "title", "service", "author", "created_at", "sha256"]

    def get_created_at(self, row: Postmortem) -> str:
        moment: datetime = row.created_at
        return iso_us(moment)


class ReviewSerializer(serializers.Serializer[Postmortem]):
    """The parts of a review."""

    summary = serializers.CharField()
    labels = serializers.SerializerMethodField()
    no_human_factor_reason = serializers.CharField()
    timeline = serializers.SerializerMethodField()
    observations = serializers.SerializerMethodField()
    recommendations = serializers.SerializerMethodField()

    def get_labels(self, row: Postmortem) -> dict[str, list[str]]:
        found = row.labels_by_field()
        return {
            field.slug: [label.term.code for label in found[field.slug]]
            for field in FIELDS
            if field.slug in found
        }

    def get_timeline(self, row: Postmortem) -> list[dict[str, str]]:
        return [
            {
                "at": iso_us(entry.at),
                "precision": entry.precision,
                "as_written": entry.as_written,
                "kind": entry.kind,
                "actor_role": entry.actor_role,
                "source": entry.source,
                "text": entry.text,
            }
            for entry in row.timeline.all()
        ]

    def get_observations(self, row: Postmortem) -> list[dict[str, Any]]:
        return [
            {"number": o.number, "text": o.text, "evidence": o.evidence, "lines": [o.first_line, o.last_line]}
            for o in row.observations.all()
        ]

    def get_recommendations(self, row: Postmortem) -> list[dict[str, Any]]:
        return [
            {
                "id": r.pk,
                "rank": r.rank,
                "text": r.text,
                "cites": sorted(cited.number for cited in r.cites.all()),
                "lines": [r.first_line, r.last_line],
            }
            for r in row.recommendations.all()
        ]


class PostmortemSerializer(PostmortemSummarySerializer):
    lines = serializers.IntegerField(source="line_count", read_only=True, help_text="how many lines it has")
    review = serializers.SerializerMethodField(help_text="its parts; null for a text")

    class Meta(PostmortemSummarySerializer.Meta):
        fields = [
            *PostmortemSummarySerializer.Meta.fields,
            "lines",
            "narrative",
            "kind",
            "incident",
            "amends",
            "review",
        ]

    @extend_schema_field(ReviewSerializer(allow_null=True))
    def get_review(self, row: Postmortem) -> dict[str, Any] | None:
        return dict(ReviewSerializer(row).data) if row.is_review else None


class PostmortemPageSerializer(serializers.Serializer[dict[str, object]]):
    items = PostmortemSummarySerializer(many=True)
    next = serializers.CharField(allow_null=True)

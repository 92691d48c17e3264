"""What the API takes and shows of insights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.inputs import StrictSerializer
from apps.insights import access, composition, missteps, provenance
from apps.insights.drafts import KINDS, Draft, Source, clean_scope, clean_signals
from apps.insights.models import GateResult, Insight, Objective, Revision, Score, Signal
from apps.insights.waiting import missing

if TYPE_CHECKING:
    from apps.analysis.findings import Standing
    from apps.insights.models import Finding, Misstep


@extend_schema_field({"type": "object", "additionalProperties": True})
class FreeObjectField(serializers.JSONField):
    """An object whose form the room itself checks, to name the field at fault."""


@extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
class FreeListField(serializers.JSONField):
    """A list of objects that the room itself checks."""


class DraftSerializer(StrictSerializer):
    """A proposal. Turned into a `Draft` by `draft()`, which checks scope, provenance and signals."""

    title = serializers.CharField(max_length=200)
    recommendation = serializers.CharField(max_length=20_000)
    scope = FreeObjectField(
        help_text='{"series": […]}, {"service"}, {"service", "metric_family"} or {"fleet": true}'
    )
    confidence = serializers.FloatField(min_value=0, max_value=1)
    provenance = FreeObjectField(
        help_text='{"postmortem": id, "lines": [first, last]} or {"document", "sha256", "lines", "excerpt"}'
    )
    signals = FreeListField(required=False, help_text="At most one of a kind")
    prose_reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    objectives = serializers.MultipleChoiceField(
        choices=Objective.choices, required=False, default={Objective.RELIABILITY.value}, allow_empty=False
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)

    def draft(self, reader: Any) -> Draft:
        """The draft of what was sent; errors name the field."""
        data = self.validated_data
        return Draft(
            title=data["title"],
            recommendation=data["recommendation"],
            scope=clean_scope(data["scope"]),
            confidence=data["confidence"],
            source=provenance.clean_source(data["provenance"], reader=reader),
            signals=clean_signals(data.get("signals", [])),
            prose_reason=data["prose_reason"],
            objectives=sorted(data["objectives"]),
            expires_at=data["expires_at"],
        )


class RevisionDraftSerializer(DraftSerializer):
    """A revision: what is left out stays as it was. `revision` is the one that the author read."""

    revision = serializers.IntegerField(min_value=1, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("title", "recommendation", "scope", "confidence", "provenance"):
            self.fields[name].required = False

    def draft_on(self, old: Revision, reader: Any) -> Draft:
        """The draft of what was sent on top of the revision it changes; errors name the field."""
        data, sent = self.validated_data, self.initial_data
        signals = (
            data["signals"]
            if "signals" in sent
            else [{"kind": signal.kind, "value": signal.value} for signal in old.signals.all()]
        )
        return Draft(
            title=data.get("title", old.title),
            recommendation=data.get("recommendation", old.recommendation),
            scope=clean_scope(data.get("scope", old.scope)),
            confidence=data.get("confidence", old.confidence),
            source=provenance.clean_source(data["provenance"], reader=reader)
            if "provenance" in data
            else source_of(old),
            signals=clean_signals(signals),
            prose_reason=data["prose_reason"] if "prose_reason" in sent else old.prose_reason,
            objectives=sorted(data["objectives"]) if "objectives" in sent else old.objectives,
            expires_at=data["expires_at"] if "expires_at" in sent else old.expires_at,
        )


def source_of(revision: Revision) -> Source:
    """The provenance that a revision was filed with."""
    return Source(
        revision.document, revision.sha256, revision.first_line, revision.last_line, revision.excerpt
    )


class MarksSerializer(StrictSerializer):
    """The rubric, 1 (poor) to 5 (excellent)."""

    relevance = serializers.IntegerField(min_value=1, max_value=5)
    timeliness = serializers.IntegerField(min_value=1, max_value=5)
    breadth = serializers.IntegerField(min_value=1, max_value=5)
    actionability = serializers.IntegerField(min_value=1, max_value=5)
    revision = serializers.IntegerField(min_value=1, required=False)


class ApproveSerializer(StrictSerializer):
    """A yes. `revision`: what the approver read. `override_reason`: why it acts without a passed gate."""

    revision = serializers.IntegerField(min_value=1, required=False)
    override_reason = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    comment = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)
    missteps_read = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        max_length=500,
        required=False,
        default=list,
        help_text="Ids of `missteps` that the approver read; all of them are asked for",
    )
    scores = MarksSerializer(required=False)


class ReasonSerializer(StrictSerializer):
    """Why; it stays with the record."""

    reason = serializers.CharField(max_length=2000, required=False, default="No reason given.")


class SignalSerializer(serializers.ModelSerializer[Signal]):
    """A signal with what a reader needs to use it (A10): type, unit, entity, expression and time to live."""

    dtype = serializers.SerializerMethodField()
    unit = serializers.SerializerMethodField()
    entity = serializers.SerializerMethodField()
    expression = serializers.SerializerMethodField()
    expires_at = serializers.DateTimeField(source="revision.expires_at", read_only=True)

    class Meta:
        model = Signal
        fields = ("id", "kind", "value", "columns", "dtype", "unit", "entity", "expression", "expires_at")
        read_only_fields = fields

    def get_dtype(self, signal: Signal) -> str:
        return KINDS[signal.kind]["dtype"]

    def get_unit(self, signal: Signal) -> str:
        return KINDS[signal.kind]["unit"]

    def get_entity(self, signal: Signal) -> str:  # the same for every kind
        return "series"

    def get_expression(self, signal: Signal) -> str:
        return KINDS[signal.kind]["expression"]


class GateSerializer(serializers.ModelSerializer[GateResult]):
    """One backtest on the training slice."""

    class Meta:
        model = GateResult
        fields = ("verdict", "reason", "report", "split_hash", "data_hash", "code", "evaluated_at")
        read_only_fields = fields


class InsightSerializer(serializers.Serializer[Insight]):
    """An insight as of its newest revision, with everything that decided about it."""

    missteps = FreeListField(help_text="What failed before of the same or a near signal: read it first")
    id = serializers.IntegerField()
    state = serializers.ChoiceField(Insight.State.choices)
    revision = serializers.IntegerField()
    active_revision = serializers.IntegerField(allow_null=True)
    release = serializers.IntegerField(
        allow_null=True, help_text="The release that this revision became active in"
    )
    active_release = serializers.IntegerField(allow_null=True)
    title = serializers.CharField()
    recommendation = serializers.CharField()
    author = serializers.CharField()
    revision_author = serializers.CharField()
    scope = FreeObjectField()
    confidence = serializers.FloatField()
    effective_confidence = serializers.FloatField(help_text="What models see: under override and findings")
    confidence_sum = FreeObjectField(help_text="declared * prior * factor = served, with the counts")
    findings = FreeListField(help_text="What was found since, of every revision, oldest first")
    provenance = FreeObjectField()
    signals = SignalSerializer(many=True)
    prose_reason = serializers.CharField()
    objectives = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True)
    gate = GateSerializer(allow_null=True)
    overrides = FreeListField()
    scores = FreeListField()
    approvals = FreeListField()
    decisions = FreeListField(help_text="Changes requested, rejections and reopenings, of every revision")
    waits_for = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    revised_at = serializers.DateTimeField()

    def to_representation(self, insight: Insight) -> dict[str, Any]:
        """The whole story of one insight; needs `with_story()` to stay at a fixed number of queries."""
        revisions = {revision.number: revision for revision in insight.revisions.all()}
        newest = revisions[insight.revision]
        active = revisions.get(insight.active_revision) if insight.active_revision else None
        gates = list(newest.gate_results.all())
        now = composition.standing_of(newest)
        return {
            "missteps": [misstep(row) for row in self._missteps(newest)],
            "id": insight.pk,
            "state": insight.state,
            "revision": insight.revision,
            "active_revision": insight.active_revision,
            "release": _release(newest),
            "active_release": _release(active) if active else None,
            "title": newest.title,
            "recommendation": newest.recommendation,
            "author": insight.author.username,
            "revision_author": newest.author.username,
            "scope": newest.scope,
            "confidence": newest.confidence,
            "effective_confidence": now.served,
            "confidence_sum": confidence_sum(now),
            "findings": [_finding(row) for row in insight.findings.all()],
            "provenance": _source(newest),
            "signals": SignalSerializer(newest.signals.all(), many=True).data,
            "prose_reason": newest.prose_reason,
            "objectives": newest.objectives,
            "expires_at": newest.expires_at,
            "gate": GateSerializer(gates[-1]).data if gates else None,
            "overrides": [
                {"author": row.author.username, "reason": row.reason, "created_at": row.created_at}
                for revision in revisions.values()
                for row in revision.overrides.all()
            ],
            "scores": [_marks(score) for score in newest.scores.all()],
            "approvals": [
                {
                    "approver": row.approver.username,
                    "as_operator": row.as_operator,
                    "comment": row.comment,
                    "missteps_read": row.missteps_read,
                    "approved_at": row.approved_at,
                }
                for row in newest.approvals.all()
            ],
            "decisions": [
                {
                    "revision": revision.number,
                    "person": row.person.username,
                    "kind": row.kind,
                    "reason": row.reason,
                    "at": row.at,
                }
                for revision in revisions.values()
                for row in revision.decisions.all()
            ],
            "waits_for": still_missing(insight, newest),
            "created_at": insight.created_at,
            "revised_at": newest.created_at,
        }

    def _missteps(self, newest: Revision) -> list[Misstep]:
        """Of a page of insights they are found together, once."""
        known: dict[int, list[Misstep]] = self.context.get("missteps", {})
        return known[newest.pk] if newest.pk in known else missteps.near_revision(newest)


def misstep(row: Misstep) -> dict[str, Any]:
    """One of `MisstepQuerySet.told` as the API shows it."""
    revision = row.signal.revision
    return {
        "id": row.pk,
        "why": row.why,
        "text": row.text,
        "insight": revision.insight_id,
        "revision": revision.number,
        "title": revision.title,
        "author": revision.author.username,
        "kind": row.kind,
        "value": row.signal.value,
        "scope": revision.scope,
        "taken_back": getattr(row, "taken_back", False),
        "at": row.at,
    }


def confidence_sum(now: Standing) -> dict[str, float]:
    """The arithmetic of a confidence, for readers who redo it."""
    names = ("declared", "prior", "factor", "served", "improved", "worse", "weight")
    return {name: getattr(now, name) for name in names}


def _finding(row: Finding) -> dict[str, Any]:
    names = ("revision", "source", "reference", "outcome", "effect", "low", "high", "p", "n", "method")
    more = ("split_hash", "release", "noted_at")
    return {name: getattr(row, name) for name in (*names, *more)}


def _release(revision: Revision) -> int | None:
    activation = getattr(revision, "activation", None)
    return activation.release if activation else None


def _source(revision: Revision) -> dict[str, Any]:
    return {
        "document": revision.document,
        "sha256": revision.sha256,
        "lines": [revision.first_line, revision.last_line],
        "excerpt": revision.excerpt,
    }


def _marks(score: Score) -> dict[str, Any]:
    return {
        "rater": score.rater.username,
        "relevance": score.relevance,
        "timeliness": score.timeliness,
        "breadth": score.breadth,
        "actionability": score.actionability,
        "mean": score.mean,
    }


def still_missing(insight: Insight, revision: Revision) -> list[str]:
    """What the newest revision still waits for, in words; empty when it is served or over."""
    if (
        insight.state in (Insight.State.WITHDRAWN, Insight.State.EXPIRED)
        or insight.active_revision == revision.number
    ):
        return []
    if getattr(revision, "activation", None) is not None:
        return ["a revert to a release that has it, or a new revision"]
    if access.standing_no(revision) is not None:
        return ["a new revision, or a reviewer who reopens it"]
    return missing(revision)

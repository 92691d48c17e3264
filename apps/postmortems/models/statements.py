"""What a review says, part by part. Descriptive and prescriptive statements are different tables (A32)."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from apps.catalog.models import Term
from apps.postmortems.words import BY_SLUG, SINGLE

from .postmortem import APPEND_ONLY, Postmortem

_ALLOWED = ", ".join(f"'{slug}'" for slug in BY_SLUG)
_SINGLE = ", ".join(f"'{slug}'" for slug in SINGLE)
_LABEL = f"""
    SELECT vocabulary_id, retired INTO field, gone FROM catalog_term WHERE id = NEW.term_id;
    IF field NOT IN ({_ALLOWED}) THEN
        RAISE EXCEPTION 'reviews have no labels of % (postmortems_postmortemlabel)', field
          USING ERRCODE = 'check_violation';
    END IF;
    IF gone THEN
        RAISE EXCEPTION 'a retired code is for old reviews only (postmortems_postmortemlabel)'
          USING ERRCODE = 'check_violation';
    END IF;
    IF field IN ({_SINGLE}) AND EXISTS (
        SELECT 1 FROM postmortems_postmortemlabel l JOIN catalog_term t ON t.id = l.term_id
         WHERE l.postmortem_id = NEW.postmortem_id AND t.vocabulary_id = field) THEN
        RAISE EXCEPTION 'a review has one % (postmortems_postmortemlabel)', field
          USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""  # noqa: S608  # codes of our own


class Precision(models.TextChoices):
    SECOND = "second", "to the second"
    MINUTE = "minute", "to the minute"
    HOUR = "hour", "to the hour"
    DAY = "day", "to the day"


class PostmortemLabel(models.Model):
    """One code that a review bears; which field it fills is the term's vocabulary."""

    postmortem = models.ForeignKey(Postmortem, models.PROTECT, related_name="labels")
    term = models.ForeignKey(Term, models.PROTECT, related_name="+")
    vocabulary_version = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="of_an_allowed_field",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("field", "text"), ("gone", "boolean")],
                func=_LABEL,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="postmortem_label_once", fields=["postmortem", "term"])
        ]

    def __str__(self) -> str:
        return f"{self.term} of {self.postmortem}"


class TimelineEntry(models.Model):
    """What happened at one moment. `as_written` is the time as it was given, before it became UTC."""

    class Kind(models.TextChoices):
        EVENT = "event", "Event"
        DECISION = "decision", "Decision"
        TOOL = "tool", "Tool used"
        COMMUNICATION = "communication", "Communication"

    postmortem = models.ForeignKey(Postmortem, models.PROTECT, related_name="timeline")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    precision = models.CharField(max_length=8, choices=Precision.choices)
    as_written = models.CharField(max_length=40, blank=True, default="")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    actor_role = models.CharField(max_length=120, blank=True, default="")
    source = models.CharField(max_length=200, blank=True, default="")
    text = models.TextField()

    class Meta:
        ordering: ClassVar = ["postmortem_id", "number"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="timeline_number_once", fields=["postmortem", "number"]),
            models.CheckConstraint(name="timeline_entry_has_words", condition=Q(text__regex=r"\S")),
            models.CheckConstraint(
                name="timeline_kind_known",
                condition=Q(kind__in=["event", "decision", "tool", "communication"]),
            ),
            models.CheckConstraint(
                name="timeline_precision_known",
                condition=Q(precision__in=["second", "minute", "hour", "day"]),
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.number} of {self.postmortem}"


class Observation(models.Model):
    """Descriptive: what was seen, and by what it can be checked. Lines are those of the narrative."""

    postmortem = models.ForeignKey(Postmortem, models.PROTECT, related_name="observations")
    number = models.PositiveIntegerField()
    text = models.TextField()
    evidence = models.TextField(blank=True, default="")
    first_line = models.PositiveIntegerField()
    last_line = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["postmortem_id", "number"]
        triggers: ClassVar = [APPEND_ONLY]
        constraints: ClassVar = [
            models.UniqueConstraint(name="observation_number_once", fields=["postmortem", "number"]),
            models.CheckConstraint(name="observation_has_words", condition=Q(text__regex=r"\S")),
            models.CheckConstraint(
                name="observation_lines_in_order",
                condition=Q(first_line__gte=1, last_line__gte=F("first_line")),
            ),
        ]

    def __str__(self) -> str:
        return f"O{self.number} of {self.postmortem}"


class Recommendation(models.Model):
    """Prescriptive: what should change, most important first, because of at least one observation."""

    postmortem = models.ForeignKey(Postmortem, models.PROTECT, related_name="recommendations")
    rank = models.PositiveIntegerField()
    text = models.TextField()
    cites = models.ManyToManyField(Observation, through="Citation", related_name="cited_by")
    first_line = models.PositiveIntegerField()
    last_line = models.PositiveIntegerField()

    class Meta:
        ordering: ClassVar = ["postmortem_id", "rank"]
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="cites_an_observation",
                operation=pgtrigger.Insert,
                when=pgtrigger.After,
                timing=pgtrigger.Deferred,
                func="""
                IF NOT EXISTS (SELECT 1 FROM postmortems_citation c WHERE c.recommendation_id = NEW.id) THEN
                    RAISE EXCEPTION 'a recommendation cites an observation (postmortems_recommendation)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NULL;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="recommendation_rank_once", fields=["postmortem", "rank"]),
            models.CheckConstraint(name="recommendation_has_words", condition=Q(text__regex=r"\S")),
            models.CheckConstraint(
                name="recommendation_lines_in_order",
                condition=Q(first_line__gte=1, last_line__gte=F("first_line")),
            ),
        ]

    def __str__(self) -> str:
        return f"R{self.rank} of {self.postmortem}"


class Citation(models.Model):
    """This recommendation rests on this observation, of the same review."""

    recommendation = models.ForeignKey(Recommendation, models.PROTECT, related_name="citations")
    observation = models.ForeignKey(Observation, models.PROTECT, related_name="citations")

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="of_the_same_review",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                IF (SELECT postmortem_id FROM postmortems_recommendation WHERE id = NEW.recommendation_id)
                   <> (SELECT postmortem_id FROM postmortems_observation WHERE id = NEW.observation_id) THEN
                    RAISE EXCEPTION 'a recommendation cites its own review (postmortems_citation)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="citation_once", fields=["recommendation", "observation"])
        ]

    def __str__(self) -> str:
        return f"{self.recommendation} cites {self.observation_id}"

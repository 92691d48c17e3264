"""How far each author has moved what each series is served, and who let somebody go further. Append-only.

The caps are those of `analysis.influence`; the trigger of `Influence` keeps them even against raw SQL, and
that of `ServedSignal` refuses to serve what was not charged.
"""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from apps.analysis.influence import CAP_OTHER, CAP_SERIES, CAP_SHARE, CAP_THETA, SLACK, WINDOW_DAYS

from .lessons import Revision
from .protection import APPEND_ONLY, NEW_ROWS
from .reviews import not_by_an_author

OVER_THE_CAP = f"""
    IF EXISTS (
        SELECT 1 FROM (
            SELECT n.author_id, n.series, max(n.at) AS at FROM new_rows n
             WHERE NOT EXISTS (
                 SELECT 1 FROM insights_influencelift l WHERE l.revision_id = n.revision_id
             ) GROUP BY n.author_id, n.series
        ) moved
        JOIN insights_influence i ON i.author_id = moved.author_id AND i.series = moved.series
         AND i.at > moved.at - interval '{WINDOW_DAYS} days'
         AND NOT EXISTS (SELECT 1 FROM insights_influencelift l WHERE l.revision_id = i.revision_id)
        GROUP BY moved.author_id, moved.series
        HAVING sum(i.theta) > {CAP_THETA + SLACK} OR sum(i.other) > {CAP_OTHER + SLACK}
    ) OR EXISTS (
        SELECT 1 FROM (
            SELECT n.author_id, max(n.at) AS at FROM new_rows n
             WHERE NOT EXISTS (
                 SELECT 1 FROM insights_influencelift l WHERE l.revision_id = n.revision_id
             ) GROUP BY n.author_id
        ) moved
        JOIN insights_influence i ON i.author_id = moved.author_id
         AND i.at > moved.at - interval '{WINDOW_DAYS} days'
         AND NOT EXISTS (SELECT 1 FROM insights_influencelift l WHERE l.revision_id = i.revision_id)
        GROUP BY moved.author_id
        HAVING count(DISTINCT i.series) > greatest(
            {CAP_SERIES}, floor({CAP_SHARE} * (SELECT count(*) FROM telemetry_series))
        )
    ) THEN
        RAISE EXCEPTION 'one author moves more than the cap allows (insights_influence)'
          USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""  # noqa: S608  # numbers of our own


class Influence(models.Model):
    """What serving one revision moves on one series, charged to each of its authors. In doublings."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="influence")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    series = models.CharField(max_length=200)
    theta = models.FloatField()
    other = models.FloatField()
    at = models.DateTimeField()

    class Meta:
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="caps_on_one_author",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=NEW_ROWS,
                func=OVER_THE_CAP,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="influence_charged_once", fields=["revision", "author", "series"]),
            models.CheckConstraint(name="influence_is_a_distance", condition=Q(theta__gte=0, other__gte=0)),
        ]
        indexes: ClassVar = [models.Index(name="influence_of_author", fields=["author", "series", "at"])]

    def __str__(self) -> str:
        return f"{self.author_id} moved {self.series} by {self.theta}"


class InfluenceLift(models.Model):
    """An operator's word that one revision may go beyond the caps on its authors, with the reason."""

    revision = models.ForeignKey(Revision, models.PROTECT, related_name="lifts")
    operator = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["pk"]
        triggers: ClassVar = [
            APPEND_ONLY,
            not_by_an_author(column="operator_id", verb="lift a cap", table="insights_influencelift"),
            pgtrigger.Trigger(
                name="not_by_an_approver",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                func="""
                IF EXISTS (SELECT 1 FROM insights_approval
                            WHERE revision_id = NEW.revision_id AND approver_id = NEW.operator_id) THEN
                    RAISE EXCEPTION 'an approver cannot lift a cap (insights_influencelift)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="influence_lifted_once", fields=["revision"]),
            models.CheckConstraint(name="lift_says_why", condition=Q(reason__regex=r"\S")),
        ]

    def __str__(self) -> str:
        return f"cap lifted for {self.revision}"

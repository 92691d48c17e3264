"""What makes a revision act: its activation, and the series that it speaks for."""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models

from .lessons import Insight, Revision, Signal
from .protection import APPEND_ONLY, NEW_ROWS
from .reviews import Approval, GateResult


class Activation(models.Model):
    """A revision became part of a release, once. The trigger refuses one without two approvals and a gate.

    `gate_result` is the verdict that it was activated with: a later backtest never changes what is served.
    A revision that was taken back comes again by a revert, or as a new revision with approvals of its own.
    """

    revision = models.OneToOneField(Revision, models.PROTECT, related_name="activation")
    release = models.PositiveBigIntegerField()
    operator_approval = models.ForeignKey(Approval, models.PROTECT, related_name="+")
    other_approval = models.ForeignKey(Approval, models.PROTECT, related_name="+")
    gate_result = models.ForeignKey(GateResult, models.PROTECT, related_name="+")
    activated_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="two_people_and_a_gate",
                operation=pgtrigger.Insert,
                when=pgtrigger.Before,
                declare=[("people", "int"), ("operators", "int"), ("gate", "text")],
                func="""
                SELECT count(DISTINCT approver_id),
                       count(*) FILTER (WHERE as_operator AND id = NEW.operator_approval_id)
                  INTO people, operators FROM insights_approval
                 WHERE revision_id = NEW.revision_id
                   AND id IN (NEW.operator_approval_id, NEW.other_approval_id);
                IF people <> 2 OR operators <> 1 THEN
                    RAISE EXCEPTION 'two people, one of them an operator, must approve (insights_activation)'
                      USING ERRCODE = 'check_violation';
                END IF;
                SELECT verdict INTO gate FROM insights_gateresult
                 WHERE id = NEW.gate_result_id AND revision_id = NEW.revision_id;
                IF gate IS DISTINCT FROM 'passed'
                   AND NOT EXISTS (
                       SELECT 1 FROM insights_gateoverride WHERE revision_id = NEW.revision_id
                   ) THEN
                    RAISE EXCEPTION 'no passed gate and no override (insights_activation)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.revision} since release {self.release}"


class ServedSignal(models.Model):
    """Which signals speak for which series, as resolved when their revision was activated. Append-only.

    They count while their revision is the active one of its insight. `specificity` orders competing signals:
    3 series, 2 service and metric family, 1 service, 0 fleet; among equals the later activation wins.
    """

    series = models.CharField(max_length=200)
    signal = models.ForeignKey(Signal, models.PROTECT, related_name="served")
    insight = models.ForeignKey(Insight, models.PROTECT, related_name="served")
    specificity = models.PositiveSmallIntegerField()

    class Meta:
        triggers: ClassVar = [
            APPEND_ONLY,
            pgtrigger.Trigger(
                name="charged_to_its_authors",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=NEW_ROWS,
                func="""
                IF EXISTS (
                    SELECT 1 FROM new_rows n JOIN insights_signal s ON s.id = n.signal_id
                     WHERE NOT EXISTS (
                         SELECT 1 FROM insights_influence i
                          WHERE i.revision_id = s.revision_id AND i.series = n.series
                     )
                ) THEN
                    RAISE EXCEPTION 'nobody is charged for what this would move (insights_servedsignal)'
                      USING ERRCODE = 'check_violation';
                END IF;
                RETURN NULL;
                """,
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(name="served_signal_once_a_series", fields=["series", "signal"])
        ]
        indexes: ClassVar = [models.Index(name="served_signal_by_insight", fields=["insight"])]

    def __str__(self) -> str:
        return f"signal {self.signal_id} on {self.series}"

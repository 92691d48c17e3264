"""Drills and hold-out incidents reach no feature: every door answers as if they had never happened.

Any set of labels or incidents is hidden, by either flag; gate, preview with its suggested values, shadow and
prospective days, the vectors that are served, service history and all fact views must come out equal to those
of a world in which the hidden ones do not exist.
"""

from __future__ import annotations

import itertools
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from apps.accounts.models import Role, User
from apps.audit import outbox
from apps.common.canonical import canonical_json
from apps.evaluation import daily
from apps.features import releases
from apps.features.models import FactRow
from apps.incidents import history
from apps.insights import gating, previewing
from apps.insights.drafts import clean_signals
from apps.insights.models import GateResult
from apps.postmortems import priors
from apps.telemetry import outcomes
from apps.telemetry.models import OutcomeLabel
from tests.insights.making import approve, propose
from tests.insights.streams import LATENCY, STEP, label, stream
from tests.people import make_person
from tests.postmortems.test_priors import reviewed

pytestmark = [pytest.mark.unit, pytest.mark.django_db]

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 24
INCIDENTS = (4, 8, 11, 15, 19)
SCOPE = {"series": [LATENCY]}
SIGNALS = [{"kind": "min_effect", "value": {"rel": 1.5}}]
HIDDEN = ("kept", "drill", "hold-out", "both")


def learnt(reader: User) -> bytes:
    """Everything that labels can reach here, as bytes."""
    change = {"min_rel": 1.5}
    judged = gating.judge(SCOPE, change)
    previewed = previewing.preview(SCOPE, clean_signals(SIGNALS), reader)
    days = [(START + timedelta(days=day)).date() for day in range(14, DAYS)]
    counted = daily.service_days(
        {LATENCY: ({}, change)},
        {"checkout": days},
        start=START + timedelta(days=14),
        end=START + timedelta(days=DAYS),
    )
    found = {
        "gate": [judged.verdict, judged.reason, judged.report, judged.split_hash],
        "preview": [
            previewed.verdict,
            previewed.reason,
            [[repr(one.comparison.incidents), repr(one.comparison.train)] for one in previewed.series],
            repr(previewed.suggestions),
        ],
        "days": [{**asdict(day), "day": day.day.isoformat()} for day in counted],
        "label view": outcomes.labelled(LATENCY),
    }
    return canonical_json(gating.finite(found))


class TestHiddenLabels(TestCase):
    reader: User
    labels: list[int]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.reader = make_person("vera", Role.VIEWER)
        stream(LATENCY, START, DAYS, incidents=INCIDENTS)
        cls.labels = list(OutcomeLabel.objects.order_by("start_at").values_list("pk", flat=True))

    @given(flags=st.lists(st.sampled_from(HIDDEN), min_size=len(INCIDENTS), max_size=len(INCIDENTS)))
    @settings(max_examples=12, deadline=None)
    def test_any_of_them_hidden_is_as_if_it_were_not_there(self, flags):
        hidden = [pk for pk, flag in zip(self.labels, flags, strict=True) if flag != "kept"]
        for pk, flag in zip(self.labels, flags, strict=True):
            OutcomeLabel.objects.filter(pk=pk).update(
                is_drill=flag in ("drill", "both"), is_holdout=flag in ("hold-out", "both")
            )
        flagged = learnt(self.reader)
        OutcomeLabel.objects.filter(pk__in=hidden).delete()
        assert learnt(self.reader) == flagged


def test_the_measure_tells_when_a_label_does_count():
    reader = make_person("vera", Role.VIEWER)
    stream(LATENCY, START, DAYS, incidents=INCIDENTS)
    before = learnt(reader)
    OutcomeLabel.objects.order_by("start_at")[:1].get().delete()
    assert learnt(reader) != before


@pytest.mark.parametrize("flag", ["is_drill", "is_holdout"])
def test_what_is_served_after_approval_is_the_same_to_the_byte(flag):
    """The served vector carries counts and learnt columns of its gate: two worlds, one with hidden labels."""
    served = []
    for hide in (False, True):
        with transaction.atomic():
            stream(LATENCY, START, DAYS, incidents=INCIDENTS)
            if hide:
                for day in (6, 13):
                    label(LATENCY, START + timedelta(days=day, hours=20) + 3 * STEP, **{flag: True})
            approve(propose(scope=SCOPE, signals=SIGNALS))
            result = GateResult.objects.latest("pk")
            served.append(
                canonical_json(
                    gating.finite(
                        [
                            {name: content.values for name, content in releases.current().items()},
                            result.verdict,
                            result.report,
                            result.split_hash,
                        ]
                    )
                )
            )
            transaction.set_rollback(True)
    assert served[0] == served[1]


def facts() -> bytes:
    """The newest row of every entity of every fact view, after everything was told and taken."""
    history.push()
    priors.put_all()
    outbox.drain()
    rows = FactRow.objects.order_by("view", "entity", "-version").distinct("view", "entity")
    return canonical_json([[row.view, row.entity, gating.finite(row.values)] for row in rows])


@pytest.mark.parametrize("flags", list(itertools.product(["is_drill", "is_holdout"], repeat=2)))
def test_hidden_incidents_with_reviews_change_no_fact_of_any_view(flags: tuple[str, str]) -> None:
    first: dict[str, Any] = {flags[0]: True}
    second: dict[str, Any] = {flags[1]: True}
    ann = make_person("ann", Role.RESPONDER)
    reviewed(ann, "dns")
    reviewed(ann, "hardware", service="login")
    before = facts()
    assert {row.view for row in FactRow.objects.all()} >= {"service_history", "failure_mode_prior"}
    reviewed(ann, "dns", **first)
    reviewed(ann, "time_bug", "hardware", service="login", **second)
    assert facts() == before
    reviewed(ann, "time_bug")  # and one that counts is seen
    assert facts() != before

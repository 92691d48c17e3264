"""Kill -9 everywhere while people approve and models read. Minutes long: `uv run poe test-faults`."""

from __future__ import annotations

import pytest

from apps.features.publication import STEPS
from tests.faults.run import AFTER_COMMIT, crash_run

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(1800)]


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled():
    outcome = crash_run(steps=5, web=10, postgres=10, after_commit=5)
    print("\n" + outcome.histogram())
    assert outcome.violations == []
    assert all(outcome.kills[step] >= 5 for step in STEPS)
    assert outcome.kills["web"] >= 10
    assert outcome.kills["postgres"] >= 10
    assert outcome.kills[AFTER_COMMIT] == 5
    assert outcome.reads > 100


def test_the_same_run_without_the_idempotency_guard_fails():
    outcome = crash_run(steps=1, web=1, postgres=0, after_commit=10, guard=False)
    print("\n" + outcome.histogram())
    assert outcome.violations != [], "the run cannot tell a guarded installation from an unguarded one"
    assert any("insights instead of one" in text or "already_approved" in text for text in outcome.violations)

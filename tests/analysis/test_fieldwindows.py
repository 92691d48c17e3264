from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.analysis import fieldwindows

pytestmark = pytest.mark.unit
TRIGGER = datetime(2026, 3, 1, 12, tzinfo=UTC)
DONE = datetime(2026, 4, 1, tzinfo=UTC)


def test_the_weeks_before_the_trigger_and_until_it_has_settled_count_for_nothing() -> None:
    found = fieldwindows.of(TRIGGER, DONE, 7, 84)
    assert found.before.end == datetime(2026, 2, 1, 12, tzinfo=UTC)
    assert found.before.days == 84
    assert found.after.start == datetime(2026, 4, 8, tzinfo=UTC)
    assert found.after.days == 84
    assert found.left_out == fieldwindows.Span(found.before.end, found.after.start)
    assert not found.before.holds(found.before.end)
    assert found.after.holds(found.after.start)


def test_what_has_not_passed_yet_is_cut_off() -> None:
    after = fieldwindows.of(TRIGGER, DONE, 7, 84).after
    assert after.until(after.start + timedelta(days=10)).days == 10
    assert after.until(DONE).days == 0
    assert after.until(after.end + timedelta(days=1)) == after


@given(st.integers(0, 400), st.integers(0, 56), st.integers(28, 365))
def test_both_are_equally_long_and_never_touch_what_led_to_the_action(
    took: int, settle: int, window: int
) -> None:
    done = TRIGGER + timedelta(days=took)
    found = fieldwindows.of(TRIGGER, done, settle, window)
    assert found.before.days == found.after.days == window
    assert not any(found.before.holds(TRIGGER - timedelta(days=day)) for day in range(29))
    assert found.after.start - done == timedelta(days=settle)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"trigger_at": datetime(2026, 3, 1)}, "trigger_at"),  # noqa: DTZ001
        ({"done_at": TRIGGER - timedelta(days=1)}, "done_at"),
        ({"settle_days": -1}, "settle_days"),
        ({"window_days": 0}, "window_days"),
    ],
)
def test_nonsense_is_refused_by_name(changes: dict[str, Any], named: str) -> None:
    wanted: dict[str, Any] = {"trigger_at": TRIGGER, "done_at": DONE, "settle_days": 7, "window_days": 84}
    with pytest.raises(ValueError, match=named):
        fieldwindows.of(**{**wanted, **changes})

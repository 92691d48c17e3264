from __future__ import annotations

import pytest

from apps.analysis.nearness import near
from apps.analysis.profiles import compile_signal

pytestmark = pytest.mark.unit


def nightly(hours: float, hour: int = 2) -> dict[str, object]:
    return {"rrule": f"FREQ=DAILY;BYHOUR={hour};BYMINUTE=0", "duration": int(hours * 3600), "reason": "batch"}


@pytest.mark.parametrize(
    ("kind", "one", "close", "far"),
    [
        ("theta_scale", 1.0, 1.5, 1.6),
        ("direction", "up", "up", "both"),
        ("baseline", "daily", "daily", "weekly"),
        ("min_effect", {"rel": 0.2}, {"rel": 0.3}, {"rel": 0.31}),
        ("min_effect", {"rel": 0.2}, {"rel": 0.2}, {"rel": 0.2, "abs": 1.0}),
        ("persistence", {"k": 2, "n": 4}, {"k": 3, "n": 6}, {"k": 2, "n": 7}),
        ("hard_limit", {"hi": 100}, {"hi": 90}, {"hi": 89}),
        ("hard_limit", {"hi": 100}, {"hi": 100}, {"hi": 100, "lo": 1}),
        ("suppress", nightly(1), nightly(1.5), nightly(1.6)),
        ("suppress", nightly(1), nightly(1), nightly(1, hour=3)),
        (
            "calendar_exception",
            {"dates": ["2026-12-24"], "expectation": {"scale": 2.0}},
            {"dates": ["2026-12-24"], "expectation": {"scale": 3.0}},
            {"dates": ["2026-12-24"], "expectation": "other_day_type"},
        ),
    ],
)
def test_what_is_near_and_what_is_not(kind, one, close, far):
    columns = compile_signal(kind, one)
    for other, wanted in ((close, True), (far, False)):
        assert near(kind, columns, compile_signal(kind, other)) is wanted
        assert near(kind, compile_signal(kind, other), columns) is wanted


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind must be one of"):
        near("mood", {}, {})

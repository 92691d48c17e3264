from __future__ import annotations

import pytest

from apps.analysis.influence import CAP_SERIES, most_series, movement
from apps.analysis.profiles import compile_signal

pytestmark = pytest.mark.unit

HALF_OF_THE_NIGHT = {"rrule": "FREQ=DAILY;BYHOUR=0;BYMINUTE=0", "duration": 21_600, "reason": "batch"}


@pytest.mark.parametrize(
    ("kind", "value", "theta", "other"),
    [
        ("theta_scale", -1.5, 1.5, 0.0),
        ("direction", "up", 0.0, 1.0),
        ("baseline", "daily", 0.0, 1.0),
        ("min_effect", {"rel": 0.75}, 0.0, 1.0),  # (.25 + .75) / (.25 + the usual .25)
        ("min_effect", {"abs": 4.0}, 0.0, 1.0),
        ("persistence", {"k": 4, "n": 4}, 0.0, 1.0),  # twice the usual 2
        ("hard_limit", {"lo": 1.0, "hi": 2.0}, 0.0, 2.0),
        ("suppress", HALF_OF_THE_NIGHT, 0.0, 0.415),  # -log2(3/4)
    ],
)
def test_each_kind_has_its_scale_and_comes_back_the_same_way(kind, value, theta, other):
    columns = compile_signal(kind, value)
    for moved in (movement({}, columns), movement(columns, {})):
        assert (moved.theta, moved.other) == pytest.approx((theta, other), abs=1e-3)


def test_what_stays_does_not_count():
    columns = compile_signal("theta_scale", 1.0) | compile_signal("suppress", HALF_OF_THE_NIGHT)
    found = movement(columns, dict(columns))
    assert (found.theta, found.other) == (0, 0)


def test_a_larger_fleet_may_be_moved_by_its_share():
    assert [most_series(fleet) for fleet in (0, 200, 4000)] == [CAP_SERIES, CAP_SERIES, 1000]

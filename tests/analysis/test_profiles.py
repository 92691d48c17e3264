from __future__ import annotations

import math

import numpy as np
import pytest

from apps.analysis import profiles
from apps.analysis.types import Interval, Setting, Telemetry

pytestmark = pytest.mark.unit

DEFAULT = Setting(theta=8.0, direction="both", min_rel=0.1, persist_k=1, persist_n=1, baseline="level")


def test_the_vector_has_the_declared_columns_in_order():
    assert [name for name, _ in profiles.VECTOR] == [
        "status", "release", "version", "known_at_iso", "direction", "theta_log2", "min_rel",
        "min_abs", "persist_k", "persist_n", "baseline", "hard_lo", "hard_hi", "suppress_json",
        "calendar_json", "signature_json", "precursor_json", "correlation_json", "valid_from",
        "expires_at", "n_incidents", "n_benign", "peak_min_log", "peak_med_log", "dur_med_s",
        "dir_mean", "benign_peak_q90_log", "benign_same_hour", "precision_past", "confidence",
    ]  # fmt: skip
    assert {kind for _, kind in profiles.VECTOR} == {"float", "int", "str"}


@pytest.mark.parametrize(
    ("kind", "value", "columns"),
    [
        ("theta_scale", 1, {"theta_log2": 1.0}),
        ("theta_scale", {"log2": -2}, {"theta_log2": -2.0}),
        ("direction", "down", {"direction": "down"}),
        ("direction", {"direction": "up"}, {"direction": "up"}),
        ("min_effect", {"rel": 0.5}, {"min_rel": 0.5}),
        ("min_effect", {"rel": 0.5, "abs": 20}, {"min_rel": 0.5, "min_abs": 20.0}),
        ("min_effect", {"rel": None, "abs": 20}, {"min_abs": 20.0}),
        ("persistence", {"k": 2, "n": 3}, {"persist_k": 2, "persist_n": 3}),
        ("baseline", "weekly", {"baseline": "weekly"}),
        ("hard_limit", {"hi": 95}, {"hard_hi": 95.0}),
        ("hard_limit", {"lo": -1, "hi": 1}, {"hard_lo": -1.0, "hard_hi": 1.0}),
    ],
)
def test_a_signal_compiles_to_its_columns(kind, value, columns):
    assert profiles.compile_signal(kind, value) == columns


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("precursor", {}, "kind must be one of"),
        ("theta_scale", 3.1, "log2 must be between -2 and 3"),
        ("theta_scale", "1", "log2 must be a number"),
        ("theta_scale", True, "log2 must be a number"),
        ("theta_scale", math.nan, "log2 must be a finite number"),
        ("theta_scale", 10**400, "log2 must be a finite number"),
        ("theta_scale", {"log2": 1, "x": 1}, "x is not known here"),
        ("theta_scale", None, "log2 must be a number"),
        ("direction", "sideways", "direction must be one of up, down, both"),
        ("direction", ["up"], "direction must be one of"),
        ("min_effect", {}, "rel or abs is missing"),
        ("min_effect", {"rel": -0.1}, "rel must be between 0 and 1000"),
        ("min_effect", {"abs": -1}, "abs must be at least 0"),
        ("min_effect", 0.5, "value must be an object with rel, abs"),
        ("persistence", {"k": 3, "n": 2}, "1 <= k <= n <= 100"),
        ("persistence", {"k": 1.5, "n": 2}, "k must be a whole number"),
        ("persistence", {"k": 1}, "n is missing"),
        ("baseline", "monthly", "baseline must be one of level, daily, weekly, either"),
        ("hard_limit", {"lo": 2, "hi": 1}, "lo must be below hi"),
        ("hard_limit", {}, "lo or hi is missing"),
        ("hard_limit", {"hi": math.inf}, "hi must be a finite number"),
    ],
)
def test_a_bad_signal_is_refused_by_name(kind, value, text):
    with pytest.raises(ValueError, match=text):
        profiles.compile_signal(kind, value)


def test_nulls_leave_the_default():
    empty = {name: None for name, _ in profiles.VECTOR}
    assert profiles.apply(DEFAULT, empty) == DEFAULT
    assert profiles.apply(DEFAULT, {"theta_log2": math.nan, "min_rel": math.nan}) == DEFAULT
    assert profiles.apply(DEFAULT, {}) == DEFAULT


def test_columns_change_the_default_as_declared():
    vector = {
        "status": "active",
        "theta_log2": 1.5,
        "direction": "up",
        "min_rel": 0.0,
        "min_abs": 3.0,
        "persist_k": 2.0,
        "persist_n": 3,
        "baseline": "daily",
        "hard_lo": -1.0,
        "hard_hi": 7.0,
        "n_incidents": 4,
        "confidence": 0.5,
    }
    assert profiles.apply(DEFAULT, vector) == Setting(
        theta=8.0 * 2**1.5,
        direction="up",
        min_rel=0.0,
        min_abs=3.0,
        persist_k=2,
        persist_n=3,
        baseline="daily",
        hard_lo=-1.0,
        hard_hi=7.0,
    )


@pytest.mark.parametrize("status", ["withdrawn", "expired"])
def test_a_row_that_is_no_longer_in_force_changes_nothing(status):
    assert profiles.apply(DEFAULT, {"status": status, "theta_log2": 1.0}) == DEFAULT


@pytest.mark.parametrize(
    "vector", [{"theta_log2": 9.0}, {"persist_k": 5}, {"min_rel": -1.0}, {"direction": "x"}]
)
def test_a_vector_out_of_range_is_refused(vector):
    with pytest.raises(ValueError, match=r"must"):
        profiles.apply(DEFAULT, vector)


@pytest.mark.parametrize(
    "fields",
    [
        {"theta": 0.0},
        {"theta": math.inf},
        {"direction": "x"},
        {"baseline": "x"},
        {"min_rel": -1.0},
        {"min_abs": math.nan},
        {"persist_k": 0},
        {"persist_k": 2, "persist_n": 1},
        {"persist_n": 101},
        {"hard_lo": math.nan},
        {"hard_lo": 1.0, "hard_hi": 1.0},
    ],
)
def test_a_setting_out_of_range_is_refused(fields):
    with pytest.raises(ValueError, match="must"):
        Setting(**fields)


def test_telemetry_must_be_two_flat_increasing_arrays():
    with pytest.raises(ValueError, match="one length"):
        Telemetry(np.array([1, 2]), np.array([1.0]))
    with pytest.raises(ValueError, match="strictly increasing"):
        Telemetry(np.array([1, 1]), np.array([1.0, 2.0]))
    with pytest.raises(ValueError, match="ends before"):
        Interval(2, 1)
    assert len(Telemetry(np.array([], dtype=np.int64), np.array([]))) == 0

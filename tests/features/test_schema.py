from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.analysis.profiles import VECTOR
from apps.common.errors import InvalidInputError
from apps.features.schema import CONTENT_COLUMNS, TYPES, ProfileContent, check_series, normalise
from tests.features.support import content, source

pytestmark = pytest.mark.unit


def test_the_vector_is_the_analysis_rooms_and_nothing_else():
    assert list(TYPES.items()) == list(VECTOR)
    assert len(TYPES) == 30
    assert set(TYPES) - set(CONTENT_COLUMNS) == {
        *("status", "release", "version", "known_at_iso", "valid_from", "confidence", "expires_at")
    }


@pytest.mark.parametrize("series", ["checkout/latency_p99", "a/b", "Cart-2.x/cpu.load-5m"])
def test_series_ids_name_service_and_metric(series):
    assert check_series(series) == series


@pytest.mark.parametrize(
    "series", ["", "cpu", "/cpu", "a/b/c", "a/ b", "a/b\n", "a\\b/c", "a/" + "b" * 200, "e\u0301/b"]
)
def test_other_texts_are_no_series(series):
    with pytest.raises(InvalidInputError) as refusal:
        check_series(series)
    assert refusal.value.field == "series"


def test_values_take_their_declared_types_and_nulls_go():
    found = normalise(content({"theta_log2": 1, "persist_k": 3.0, "min_rel": None, "direction": "up"}))
    assert found.values == {"theta_log2": 1.0, "persist_k": 3, "direction": "up", "confidence": 0.9}
    assert isinstance(found.values["theta_log2"], float)
    assert isinstance(found.values["persist_k"], int)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("theta_log2", "1"),
        ("theta_log2", float("nan")),
        ("theta_log2", float("inf")),
        ("theta_log2", True),
        ("persist_k", 1.5),
        ("direction", 1),
        ("release", 4),
        ("status", "active"),
        ("nonsense", 1.0),
    ],
)
def test_values_that_do_not_fit_are_refused_by_column(column, value):
    with pytest.raises(InvalidInputError) as refusal:
        normalise(content({column: value}))
    assert refusal.value.field == column


@pytest.mark.parametrize("given", [{}, {"theta_log2": {"insight": 1}}, {"theta_log2": {"confidence": 0.5}}])
def test_a_value_without_a_source_is_refused(given):
    with pytest.raises(InvalidInputError, match="has no source"):
        normalise(ProfileContent({"theta_log2": 1.0}, given))


@pytest.mark.parametrize("confidence", [-0.1, 1.1, "high", True])
def test_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(InvalidInputError, match="between 0 and 1"):
        normalise(ProfileContent({"theta_log2": 1.0}, {"theta_log2": source(confidence)}))


def test_the_summary_is_the_lowest_confidence_and_the_earliest_expiry():
    late, early = datetime(2027, 1, 2, tzinfo=UTC), "2027-01-01T01:00:00+02:00"
    found = normalise(
        ProfileContent(
            {"theta_log2": 1.0, "min_rel": 0.5},
            {"theta_log2": source(0.9, expires_at=late), "min_rel": source(0.4, expires_at=early)},
        )
    )
    assert found.values["confidence"] == 0.4
    assert found.values["expires_at"] == "2026-12-31T23:00:00.000000Z"
    assert found.sources["theta_log2"]["expires_at"] == "2027-01-02T00:00:00.000000Z"


def test_an_expiry_without_a_zone_is_refused():
    with pytest.raises(InvalidInputError, match="not a moment with a zone"):
        normalise(content({"theta_log2": 1.0}, expires_at="2027-01-01T00:00:00"))

"""Columns and values in words."""

from __future__ import annotations

import pytest

from apps.analysis.profiles import VECTOR
from apps.features import fact_schema, wording
from apps.features.models import Release
from apps.features.schema import CONTENT_COLUMNS, SUMMARY_COLUMNS

pytestmark = [pytest.mark.unit]


# --- words ----------------------------------------------------------------------------------------
def test_every_column_has_words():
    assert {name for name, _ in VECTOR} >= set(wording.COLUMNS)
    assert set(wording.COLUMNS) == {*CONTENT_COLUMNS, *SUMMARY_COLUMNS}
    assert set(wording.FACTS) == {column for view in fact_schema.VIEWS.values() for column in view.kinds}
    assert set(wording.SERVICES) == {"detection", *fact_schema.VIEWS}
    assert set(wording.KINDS) == set(Release.Kind.values)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("theta_log2", 1.0, "24"),
        ("theta_log2", None, "12 (default)"),
        ("theta_log2", -1.5, "4.243"),
        ("direction", "up", "rises only"),
        ("direction", None, "default"),
        ("min_rel", 0.25, "25 %"),
        ("hard_hi", 1234567.0, "1234567"),
        ("hard_hi", None, "–"),  # noqa: RUF001
        ("persist_k", 3, "3"),
        ("baseline", "daily", "its daily shape"),
        ("expires_at", "2026-11-21T12:00:00.000000Z", "2026-11-21 12:00 UTC"),
        ("suppress_json", '[{"rrule": "FREQ=DAILY", "duration": 600}]', "by FREQ=DAILY, for 10 min"),
        ("suppress_json", "not json", "not json"),
    ],
)
def test_values_are_told_in_words(column, value, words):
    assert wording.value(column, value) == words

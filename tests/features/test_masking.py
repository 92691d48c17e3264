from __future__ import annotations

import pytest

from apps.features import masking
from apps.features.schema import CONTENT_COLUMNS
from tests.features.support import source

pytestmark = pytest.mark.unit

NOW = "2026-06-01T00:00:00.000000Z"
BEFORE, AFTER = "2026-05-31T23:59:59.999999Z", "2026-06-01T00:00:00.000001Z"


def test_nothing_is_hidden_from_a_consumer_without_limits():
    found = masking.mask({"theta_log2": source(0.1)}, min_confidence=None, at=NOW)
    assert found == masking.Mask(frozenset(), {})


def test_what_is_too_uncertain_is_hidden_and_the_summary_follows():
    sources = {"theta_log2": source(0.9), "direction": source(0.79), "min_rel": source(0.8)}
    found = masking.mask(sources, min_confidence=0.8, at=NOW)
    assert found.hidden == set(CONTENT_COLUMNS) - {"theta_log2", "min_rel"}
    assert found.replaced == {"confidence": 0.8, "expires_at": None}


@pytest.mark.parametrize(("expires_at", "hidden"), [(BEFORE, True), (NOW, True), (AFTER, False)])
def test_a_value_ends_at_its_expiry(expires_at, hidden):
    sources = {"theta_log2": source(0.9, expires_at=expires_at), "direction": source(0.5)}
    found = masking.mask(sources, min_confidence=None, at=NOW)
    assert ("theta_log2" in found.hidden) is hidden
    assert "direction" not in found.hidden
    assert found.replaced == ({"confidence": 0.5, "expires_at": None} if hidden else {})


def test_a_row_of_which_nothing_is_left_is_withheld():
    found = masking.mask({"theta_log2": source(0.5)}, min_confidence=0.6, at=NOW)
    assert found.replaced == {"confidence": None, "expires_at": None, "status": "withheld"}


@pytest.mark.parametrize(
    ("confidence", "expires_at", "limit", "suspect"),
    [
        (0.9, None, None, False),
        (0.9, None, 0.9, False),
        (0.89, None, 0.9, True),
        (0.9, BEFORE, None, True),
        (0.9, AFTER, None, False),
        (None, None, 0.9, False),
    ],
)
def test_sources_are_looked_up_only_when_the_summary_asks_for_it(confidence, expires_at, limit, suspect):
    assert suspect is masking.may_hide(
        confidence=confidence, expires_at=expires_at, min_confidence=limit, at=NOW
    )

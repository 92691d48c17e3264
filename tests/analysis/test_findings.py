from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.analysis import findings

pytestmark = pytest.mark.unit

COUNTS = st.integers(0, 50)
SHARES = st.floats(0.01, 1)


@pytest.mark.parametrize(
    ("overridden", "improved", "worse", "mean"),
    [
        (False, 0, 0, 1.0),
        (False, 3, 0, 1.0),
        (False, 0, 1, 0.8),
        (False, 1, 1, 5 / 6),
        (True, 0, 0, 0.5),
        (True, 1, 0, 0.6),
        (True, 0, 1, 0.4),
        (True, 1, 1, 0.5),
    ],
)
def test_the_table_of_the_decision(overridden, improved, worse, mean):
    found = findings.standing(0.8, overridden=overridden, improved=improved, worse=worse)
    assert found.mean == pytest.approx(mean)
    assert found.served == pytest.approx(0.8 * found.prior * found.factor) == pytest.approx(0.8 * mean)


@given(declared=SHARES, overridden=st.booleans(), improved=COUNTS, worse=COUNTS)
def test_it_is_monotone_and_never_above_what_was_declared(declared, overridden, improved, worse):
    def served(improved: int, worse: int) -> float:
        return findings.standing(declared, overridden=overridden, improved=improved, worse=worse).served

    now = served(improved, worse)
    assert 0 < served(improved, worse + 1) < now <= served(improved + 1, worse) <= declared


def test_what_is_no_share_or_no_count_is_refused():
    with pytest.raises(ValueError, match="share"):
        findings.standing(0, overridden=False)
    with pytest.raises(ValueError, match="negative"):
        findings.standing(0.5, overridden=False, worse=-1)

"""Many questions at once: how many of the answers "yes" may be wrong.

Source: Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate", Journal of the Royal Statistical
Society B 57 (1995) 289-300; valid also where the tests depend positively (Benjamini & Yekutieli, Annals of
Statistics 29 (2001) 1165-1188).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from collections.abc import Sequence

FALSE_DISCOVERY_RATE = 0.05


def benjamini_hochberg(ps: Sequence[float]) -> list[float]:
    """Adjusted p-values in the order given: those up to q are the discoveries at a false discovery rate of q.

    Raises:
        ValueError: one is not a probability (NaN is none): a question without an answer is not a question.
    """
    values = np.asarray(ps, dtype=np.float64)
    if values.size == 0:
        return []
    if not bool(((values >= 0) & (values <= 1)).all()):
        raise ValueError("p-values must be between 0 and 1; leave out what could not be tested")
    return [float(value) for value in stats.false_discovery_control(values, method="bh")]

"""Statistics of a paired replay: one difference per series, never per row.

Sources: sign-flip permutation after Fisher (1935) with the add-one estimate of Phipson and Smyth (2010);
interval of a share after Wilson (1927).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .types import Floats

EXACT_UP_TO = 12
KEPT_UP_TO = 50
"""Differences up to which drawn signs are kept for the next call: at most 4 MB each."""
DRAWS = 9_999
SEED = 20_161_231
CONFIDENCE = 0.95
HALF_EPISODE = 0.5
"""Added to both counts of a log ratio, so that a series without false alarms has one too."""


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval; null where there are too few values (none at all; fewer than two)."""

    estimate: float | None
    low: float | None
    high: float | None


def sign_flip_p(differences: Sequence[float]) -> float:
    """Two-sided p of "each difference could as well have had the other sign". 1.0 without a non-zero
    difference.

    Exact over all 2^n signs for at most 12 non-zero differences; else 9,999 draws with a fixed seed.
    """
    values = np.array([value for value in differences if value != 0], dtype=np.float64)
    if values.size == 0:
        return 1.0
    # A sum counts as large as the observed one when they differ by rounding only.
    observed = abs(float(values.sum())) - 1e-9 * float(np.abs(values).sum())
    if values.size <= EXACT_UP_TO:
        return float(np.mean(np.abs(_every_sign(values.size) @ values) >= observed))
    draws = (_kept_signs if values.size <= KEPT_UP_TO else _drawn_signs)(values.size, DRAWS)
    return float(1 + np.sum(np.abs(draws @ values) >= observed)) / (DRAWS + 1)


@lru_cache(maxsize=EXACT_UP_TO)
def _every_sign(size: int) -> Floats:
    codes = np.arange(2**size)[:, None] >> np.arange(size)
    return np.asarray(1.0 - 2.0 * (codes & 1), dtype=np.float64)


def _drawn_signs(size: int, draws: int) -> Floats:
    coins = np.random.default_rng(SEED).integers(0, 2, size=(draws, size))
    return np.asarray(coins * 2.0 - 1.0, dtype=np.float64)


_kept_signs = lru_cache(maxsize=8)(_drawn_signs)


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Mean and Student-t interval."""
    if not values:
        return Estimate(None, None, None)
    sample = np.asarray(values, dtype=np.float64)
    mean = float(sample.mean())
    if sample.size == 1:
        return Estimate(mean, None, None)
    quantile = float(special.stdtrit(sample.size - 1, (1 + confidence) / 2))
    half = quantile * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    return Estimate(mean, mean - half, mean + half)


def log_ratio(treated: int, control: int) -> float:
    """ln((treated + 0.5) / (control + 0.5)) of two episode counts over the same time: negative is fewer."""
    return math.log((treated + HALF_EPISODE) / (control + HALF_EPISODE))


def wilson(successes: int, trials: int, confidence: float = CONFIDENCE) -> Estimate:
    """A share and its Wilson score interval; all null for no trials."""
    if trials == 0:
        return Estimate(None, None, None)
    z = float(special.ndtri((1 + confidence) / 2))
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Estimate(share, max(0.0, middle - half), min(1.0, middle + half))

"""Training slice and held-out slice of each series, fixed before anything is fitted.

Protocol: with m >= 2 incidents a series is cut at the midpoint between the end of incident number ceil(m /
2) and the start of the next, else at half of its samples; an incident that straddles the cut is dropped.
The warm-up at the start is not scored. Tolerance, merge gap and lambda follow from the kind of labels and
the cadence.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.common.canonical import digest

from .accounting import Scorer, merge
from .types import HOUR_US, MINUTE_US, Interval, Telemetry, Times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SLOW_CADENCE_US = 50 * MINUTE_US
SLOW_MERGE_US = 3 * HOUR_US
FAST_MERGE_US = 30 * MINUTE_US
SLOW_TOLERANCE_SAMPLES = 3
FAST_TOLERANCE_SAMPLES = 30
WARM_UP_SHARE = 0.15
WARM_UP_MAX_ROWS = 750


@dataclass(frozen=True)
class Rules:
    """How labels are read, and what a false alarm costs: `lam` incidents.

    `windows`: labels are generous windows around an incident (no merging, no tolerance) and the warm-up is
    15 % of the series, at most 750 rows, as in the Numenta benchmark. Otherwise they are incidents as people
    noted them and the warm-up is 15 % of the training slice.
    """

    lam: float
    windows: bool


NAB_RULES = Rules(lam=0.1, windows=True)
GENERAL_RULES = Rules(lam=0.2, windows=False)


@dataclass(frozen=True)
class Slice:
    """Scored rows [first, last) of a series and the incidents scored in them."""

    first: int
    last: int
    incidents: tuple[Interval, ...]


@dataclass(frozen=True)
class Split:
    """How one series is divided. Times in microseconds; `dropped` counts incidents that no slice scores."""

    cadence_us: int
    tolerance_us: int
    cut_us: int
    train: Slice
    test: Slice
    known: tuple[Interval, ...]
    dropped: int

    def scorer(self, telemetry: Telemetry, part: Slice) -> Scorer:
        """Counts alarms within `part`."""
        return Scorer.build(
            telemetry.times[part.first : part.last], part.incidents, self.tolerance_us, self.known
        )


def cadence_us(times: Times) -> int:
    """Median distance between samples in microseconds; 0 for fewer than two."""
    return int(np.median(np.diff(times))) if times.size > 1 else 0


def divide(telemetry: Telemetry, labels: Sequence[Interval], rules: Rules) -> Split:
    """The split of one series. A label wholly outside the time of the series counts as dropped."""
    times = telemetry.times
    cadence = cadence_us(times)
    tolerance, gap = _tolerance(cadence, rules)
    merged = merge(labels, gap)
    known = tuple(label for label in merged if _within(label, times))
    cut = _cut(times, known)
    row = int(np.searchsorted(times, cut, side="left"))
    warm = _warm_up(times.size, row, rules)
    start = int(times[warm]) if warm < times.size else cut
    train = tuple(label for label in known if label.end_us < cut and label.end_us + tolerance >= start)
    test = tuple(label for label in known if label.start_us >= cut)
    return Split(
        cadence_us=cadence,
        tolerance_us=tolerance,
        cut_us=cut,
        train=Slice(min(warm, row), row, train),
        test=Slice(max(row, warm), times.size, test),
        known=known,
        dropped=len(merged) - len(train) - len(test),
    )


def split_hash(series: Mapping[str, Telemetry], splits: Mapping[str, Split], rules: Rules) -> str:
    """SHA-256 (hex) of the canonical description of all splits, the rules and the samples themselves."""
    return hash_of({name: described(series[name], split) for name, split in splits.items()}, rules)


def described(telemetry: Telemetry, split: Split) -> dict[str, Any]:
    """What the hash says of one series."""
    return {"data": data_hash(telemetry), **asdict(split)}


def hash_of(series: Mapping[str, Mapping[str, Any]], rules: Rules) -> str:
    """`split_hash` of series described one by one, so that no two of them need be in memory together."""
    return digest({"protocol": 1, "rules": asdict(rules), "series": series})


def data_hash(telemetry: Telemetry) -> str:
    """SHA-256 of times and values (little-endian, NaN in one form), as hex digits."""
    values = np.where(np.isnan(telemetry.values), np.nan, telemetry.values)
    return hashlib.sha256(
        telemetry.times.astype("<i8").tobytes() + values.astype("<f8").tobytes()
    ).hexdigest()


def _tolerance(cadence: int, rules: Rules) -> tuple[int, int]:
    """Tolerance after the end of an incident, and the gap below which labels are one. Microseconds."""
    if rules.windows:
        return 0, 0
    if cadence >= SLOW_CADENCE_US:
        return SLOW_TOLERANCE_SAMPLES * cadence, SLOW_MERGE_US
    return FAST_TOLERANCE_SAMPLES * cadence, FAST_MERGE_US


def _within(label: Interval, times: Times) -> bool:
    return bool(times.size) and label.end_us >= int(times[0]) and label.start_us <= int(times[-1])


def _cut(times: Times, known: Sequence[Interval]) -> int:
    """First moment of the held-out slice."""
    if len(known) > 1:
        half = (len(known) + 1) // 2
        return (known[half - 1].end_us + known[half].start_us + 1) // 2
    return int(times[times.size // 2]) if times.size else 0


def _warm_up(rows: int, train_rows: int, rules: Rules) -> int:
    """Rows at the start that are not scored."""
    if rules.windows:
        return min(int(WARM_UP_SHARE * rows), WARM_UP_MAX_ROWS)
    return int(WARM_UP_SHARE * train_rows)

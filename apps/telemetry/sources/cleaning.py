"""From rows as they came to a strictly increasing series, with every change counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .report import Report

GAP_CADENCES = 1.5  # a step longer than this many cadences is a gap
MICROSECONDS = 1_000_000


def clean(
    times: NDArray[np.int64], values: NDArray[np.float64], rows: NDArray[np.int64], report: Report
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sort by time and keep one row of each: the last in the file, as a correction is appended to a log.

    All three arrays have shape (n,), n >= 1, in file order; `rows` are row numbers. Counts go into `report`.
    The order of rows matters only among rows of the same time.
    """
    late = times < np.maximum.accumulate(times)
    if late.any():
        report.add("out_of_order", row=int(rows[late][0]), count=int(late.sum()))
    order = np.argsort(times, kind="stable")
    times, values, rows = times[order], values[order], rows[order]
    last = np.append(times[1:] != times[:-1], True)
    if not last.all():
        _note_duplicates(values, rows, last, report)
        times, values, rows = times[last], values[last], rows[last]
    report.samples = len(times)
    _note_gaps(times, rows, report)
    return times.copy(), values.copy()  # not views of what is left of the file


def _note_duplicates(
    values: NDArray[np.float64], rows: NDArray[np.int64], last: NDArray[np.bool_], report: Report
) -> None:
    winners = np.flatnonzero(last)
    winner_of = winners[np.searchsorted(winners, np.arange(len(values)))]
    for kind, differs in (("identical_duplicates", False), ("conflicting_duplicates", True)):
        hit = ~last & ((values != values[winner_of]) == differs)
        if hit.any():
            report.add(kind, row=int(rows[hit].min()), count=int(hit.sum()))


def _note_gaps(times: NDArray[np.int64], rows: NDArray[np.int64], report: Report) -> None:
    cadence_us = median_step(times)
    if cadence_us is None:
        return
    report.cadence_s = cadence_us / MICROSECONDS
    steps = np.diff(times)
    gaps = steps > GAP_CADENCES * cadence_us
    if gaps.any():
        report.add(
            "gaps",
            row=int(rows[1:][gaps][0]),  # the first row after a gap
            count=int(gaps.sum()),
            missing_samples=int((np.rint(steps[gaps] / cadence_us) - 1).sum()),
            longest_s=float(steps.max() / MICROSECONDS),
        )


def median_step(times: NDArray[np.int64]) -> float | None:
    """The cadence in microseconds: the median step; None with fewer than two samples."""
    return None if len(times) < 2 else float(np.median(np.diff(times)))  # noqa: PLR2004

"""Protected windows: is a moment inside one, when is the next free one, which samples lie in one.

Times of arrays are int64 microseconds since 1970, UTC, as in `analysis`. Reads only; `services` writes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from django.db import connection
from django.db.models import Q

from apps.analysis import recurrence, rrules
from apps.analysis.types import DAY_US, MINUTE_US

from .models import ProtectedWindow

if TYPE_CHECKING:
    from collections.abc import Iterable

    from apps.analysis.types import Bools, Times

LOCK = 4_226_021
HORIZON = timedelta(days=366)
MAX_STEPS = 2_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def lock() -> None:
    """Hold the windows still until the transaction ends: none is added or ended between a check and its deed.

    Raises:
        RuntimeError: called outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("the windows are held still within a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def of(services: Iterable[str]) -> list[ProtectedWindow]:
    """Every window that ever protected one of these services (slugs), those of the fleet among them."""
    concerned = Q(service__isnull=True) | Q(service__slug__in=sorted(set(services)))
    return list(ProtectedWindow.objects.filter(concerned).select_related("service").order_by("pk"))


def covering(windows: Iterable[ProtectedWindow], moment: datetime) -> ProtectedWindow | None:
    """The first of the windows that `moment` lies in; None if it is free."""
    at = np.array([_us(moment)], dtype=np.int64)
    return next((window for window in windows if mask([window], at)[0]), None)


def next_free(windows: Iterable[ProtectedWindow], moment: datetime) -> datetime | None:
    """The first moment from `moment` on that lies in none of them; None if there is none within a year."""
    held, at = list(windows), moment
    for _ in range(MAX_STEPS):
        window = covering(held, at)
        if window is None:
            return at
        at = _end(window, at)
        if at > moment + HORIZON:
            break
    return None


def mask(windows: Iterable[ProtectedWindow], times: Times) -> Bools:
    """Whether each time lies in one of the windows. Shape (n,), as `times`."""
    inside = np.zeros(times.shape, dtype=np.bool_)
    for window in windows:
        inside |= _mask(window, times)
    return inside


def _mask(window: ProtectedWindow, times: Times) -> Bools:
    within = times >= _us(window.start_at)
    for end in (window.end_at, window.ended_at):
        if end is not None:
            within &= times < _us(end)
    if window.rrule and window.duration_min is not None and within.any():
        within &= recurrence.mask(rrules.parse(window.rrule), times, window.duration_min * MINUTE_US)
    return np.asarray(within, dtype=np.bool_)


def _end(window: ProtectedWindow, moment: datetime) -> datetime:
    """When the stretch of the window that `moment` lies in is over."""
    ends = [end for end in (window.end_at, window.ended_at) if end is not None]
    if window.rrule and window.duration_min is not None:
        rule = rrules.parse(window.rrule)
        clock = int(recurrence.local(np.array([_us(moment)], dtype=np.int64), rule.zone)[0])
        starts = recurrence.occurrences(rule, clock // DAY_US - 1, clock // DAY_US)
        begun = int(starts[np.searchsorted(starts, clock, side="right") - 1])
        left = begun + window.duration_min * MINUTE_US - clock
        ends.append(moment + left * MICROSECOND)
    return min(ends)


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND

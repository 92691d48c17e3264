"""Who reads what: counted in memory, added to the database every few seconds, never a row per read.

A process that dies loses at most the counts of the last interval, never a consumer: a new one is written at
once.
"""

from __future__ import annotations

import threading
import time
from collections import Counter

import structlog
from django.db import DatabaseError, connection, transaction

log = structlog.get_logger(__name__)

FLUSH_S = 15.0
NO_RELEASE = 0  # stands for the release of a view that is not released: views of facts
Key = tuple[str, str, int]  # consumer, feature service, release

_ADD = """
    INSERT INTO features_featureuse AS u (consumer, feature_service, release, first_at, last_at, reads)
    SELECT k.consumer, k.feature_service, k.release, now(), now(), k.reads
    FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[]) AS k (consumer, feature_service, release,
    reads) ON CONFLICT (consumer, feature_service, release) DO UPDATE
    SET reads = u.reads + excluded.reads, last_at = excluded.last_at
"""


class Uses:
    """The counts of one process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Key] = Counter()
        self._known: set[Key] = set()
        self._flushed = 0.0

    def count(self, consumer: str, feature_service: str, release: int) -> None:
        """One read; written now if this consumer is new here or the interval is over."""
        key = (consumer, feature_service, release)
        with self._lock:
            self._counts[key] += 1
            if key in self._known and time.monotonic() - self._flushed < FLUSH_S:
                return
            due, self._counts = self._counts, Counter()
            self._known.add(key)
            self._flushed = time.monotonic()
        self._write(due)

    def flush(self) -> None:
        """Write what is counted."""
        with self._lock:
            due, self._counts = self._counts, Counter()
        self._write(due)

    def _write(self, due: Counter[Key]) -> None:
        """Add to the database; what cannot be written now is kept for the next time and fails no read."""
        try:
            with transaction.atomic():  # a failure must not spoil the transaction of a caller
                _add(due)
        except DatabaseError:
            log.exception("feature_use_not_counted", reads=due.total())
            with self._lock:
                self._counts.update(due)

    def forget(self) -> None:
        """Start again, as in a new process."""
        with self._lock:
            self._counts.clear()
            self._known.clear()


def _add(counts: Counter[Key]) -> None:
    if not counts:
        return
    rows = sorted(counts.items())  # one order for all processes: no deadlocks
    columns = [[key[i] for key, _ in rows] for i in range(3)]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [*columns, [reads for _, reads in rows]])


uses = Uses()

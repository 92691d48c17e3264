"""What the store costs over reading PostgreSQL directly: ratios of one run, medians of many calls.

`uv run poe bench`. In a scratch database: 1,000 series in 20 releases, read online by 1, 10 and 100 entities
and joined point-in-time by 1,000 and 10,000 rows, each paired with plain SQL over the same rows.
"""

from __future__ import annotations

import os
import statistics
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

import django

django.setup()

import numpy as np
import psycopg
import pyarrow as pa
from django.conf import settings
from django.db import transaction

from apps.audit import outbox
from apps.embedded import database
from apps.features import historical, reading, releases, store
from apps.features.schema import ProfileContent

if TYPE_CHECKING:
    from collections.abc import Callable

SERIES = 1000
RELEASES = 20
CALLS = 200
SOURCE = {"insight": "bench", "revision": 1, "confidence": 0.9}
DIRECT_ONLINE = (
    "SELECT entity_key, payload, event_ts FROM feast_online.feast_kv WHERE view = %s AND entity_key = ANY(%s)"
)
DIRECT_JOIN = """
    SELECT e.n, p.release_id, p.version, p.status, p.values
      FROM unnest(%s::text[], %s::timestamptz[]) WITH ORDINALITY AS e(series, at, n)
      LEFT JOIN LATERAL (SELECT * FROM features_profilerow r WHERE r.series = e.series AND r.known_at <= e.at
                          ORDER BY r.known_at DESC LIMIT 1) p ON true
"""


def main() -> None:
    settings.OUTBOX_HINTS = False
    with database.running(), database.scratch():
        try:
            fill()
            with psycopg.connect(settings.DATABASE_URL, autocommit=True) as direct:
                online(direct)
                joins(direct)
        finally:
            store.close_stores()


def fill() -> None:
    """A thousand series; each release after the first changes fifty of them."""
    for number in range(RELEASES):
        changed = range(SERIES) if number == 0 else range(number * 50 % SERIES, number * 50 % SERIES + 50)
        names = [f"svc{i % 40}/metric_{i}" for i in changed]
        values = {
            "theta_log2": number / 10,
            "direction": "up",
            "min_rel": 0.2,
            "persist_k": 2,
            "persist_n": 3,
        }
        content = ProfileContent(values, dict.fromkeys(values, SOURCE))
        with transaction.atomic():
            releases.append_release(
                kind="import", author="bench", reason="", manifest=[], changes=dict.fromkeys(names, content)
            )
    started = time.perf_counter()
    outbox.drain()
    print(f"published {RELEASES} releases in {time.perf_counter() - started:.2f} s")


def online(direct: psycopg.Connection[Any]) -> None:
    opened = store.open_store()
    now = reading.standing()
    selection = reading.select(now, feature_service="detection")
    keys = [row[0] for row in direct.execute("SELECT entity_key FROM feast_online.feast_kv LIMIT 100")]
    for size in (1, 10, 100):
        names = [f"svc{i % 40}/metric_{i}" for i in range(size)]

        def ours(names: list[str] = names) -> None:
            reading.read(opened, selection, names, now=now, min_confidence=None, consumer="bench")

        def plain(size: int = size) -> None:
            direct.execute(DIRECT_ONLINE, ["detection_profile", keys[:size]], binary=True).fetchall()

        compare(f"online, {size} of {SERIES} series, 30 features", ours, plain)


def joins(direct: psycopg.Connection[Any]) -> None:
    opened = store.open_store()
    selection = reading.select(reading.standing(), feature_service="detection")
    dice = np.random.default_rng(1)
    for size in (1000, 10_000):
        names = [f"svc{i % 40}/metric_{i}" for i in dice.integers(0, SERIES, size)]
        at = [datetime.now(UTC)] * size
        table = pa.table({"series": names, "event_timestamp": pa.array(at, pa.timestamp("us", "UTC"))})

        def ours(table: pa.Table = table) -> None:
            historical.join(opened, table, selection)

        def plain(names: list[str] = names, at: list[datetime] = at) -> None:
            direct.execute(DIRECT_JOIN, [names, at]).fetchall()

        compare(f"historical join, {size} rows, 30 features", ours, plain, calls=9)


def compare(what: str, ours: Callable[[], None], plain: Callable[[], None], *, calls: int = CALLS) -> None:
    """Both in turn, A B A B …, so that a slow moment of the machine meets both."""
    pairs = [(timed(ours), timed(plain)) for _ in range(calls)][calls // 10 :]
    mine, bare = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{what:<48} {mine * 1e3:9.2f} ms   direct SQL {bare * 1e3:8.2f} ms   ratio {ratio:6.2f}")


def timed(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()

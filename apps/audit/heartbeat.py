"""A worker says that it lives; `/healthz` reads it."""

from __future__ import annotations

import socket

from django.db import connection

from apps.common.health import HealthError

FRESH_S = 20  # four beats of five seconds
KEPT_DAYS = 1


def write(worker: str | None = None) -> None:
    """Note the database's time for this worker (its host name unless given); drop those long gone."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO audit_heartbeat (worker, seen_at) VALUES (%s, clock_timestamp()) "
            "ON CONFLICT (worker) DO UPDATE SET seen_at = excluded.seen_at",
            [worker or socket.gethostname()],
        )
        cursor.execute(
            "DELETE FROM audit_heartbeat WHERE seen_at < now() - make_interval(days => %s)", [KEPT_DAYS]
        )


def silence_s() -> float | None:
    """Seconds since any worker was last seen, by the database's clock; None if there never was one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM clock_timestamp() - max(seen_at)) FROM audit_heartbeat")
        row = cursor.fetchone()
    return None if row is None or row[0] is None else max(0.0, float(row[0]))


def check() -> None:
    """The health of background work.

    Raises:
        HealthError: no worker was seen lately.
    """
    silence = silence_s()
    if silence is None:
        raise HealthError("no worker was ever seen")
    if silence > FRESH_S:
        raise HealthError(f"no worker was seen for {silence:.0f} s")

"""Advisory locks under which moments are taken, and waiting for whoever holds one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from apps.common.errors import DomainError

if TYPE_CHECKING:
    from datetime import datetime

# Taken exclusively by whoever appends, shared by whoever needs everything up to now to be committed.
RELEASE_LOCK = 4_226_001
FACTS_LOCK = 4_226_004


class ReleaseInProgressError(DomainError):
    """A transaction holds the release lock for unusually long."""

    code = "release_in_progress"


class FactsInProgressError(DomainError):
    """A transaction holds the facts' lock for unusually long."""

    code = "facts_in_progress"


def hold(lock: int) -> None:
    """Hold `lock` until the transaction ends.

    Raises:
        RuntimeError: called outside a transaction.
    """
    if not connection.in_atomic_block:
        raise RuntimeError(f"the lock {lock} belongs in a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [lock])


def settle(lock: int, busy: DomainError) -> datetime:
    """Wait until nobody holds `lock`, and return the moment from which on nothing earlier can appear.

    Raises:
        DomainError: `busy`, after five seconds.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [lock])
            cursor.execute("SELECT clock_timestamp()")
            return cast("datetime", cursor.fetchone()[0])
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        raise busy from error

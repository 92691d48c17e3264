"""Outbox handlers of the tests, reached by name as real ones are."""

from __future__ import annotations

from typing import Any

from django.db import connection

done: list[str] = []
in_transaction: list[bool] = []


def note(*, key: str, payload: dict[str, Any]) -> None:
    done.append(key)
    in_transaction.append(connection.in_atomic_block)


def poison(*, key: str, payload: dict[str, Any]) -> None:
    raise ValueError(f"cannot digest {key}")


def spoil_connection(*, key: str, payload: dict[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")

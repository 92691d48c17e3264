"""A worker process for the tests: drains once; its handlers speak to the test through pipes."""

from __future__ import annotations

import sys
from typing import Any

import django


def hold(*, key: str, payload: dict[str, Any]) -> None:
    print("holding", key, flush=True)
    sys.stdin.readline()


def main() -> None:
    django.setup()
    from apps.audit import outbox

    outbox.register("test.hold", "tests.audit.worker.hold")
    print("tried", outbox.drain(limit=1), flush=True)


if __name__ == "__main__":
    main()

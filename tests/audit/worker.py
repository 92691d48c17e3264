"""A worker process for the tests: drains once; its handlers speak to the test through pipes."""

from __future__ import annotations

import sys
from typing import Any

import django


def hold(*, key: str, payload: dict[str, Any]) -> None:
    sys.stdout.write(f"holding {key}\n")
    sys.stdout.flush()
    sys.stdin.readline()


def main() -> None:
    django.setup()
    from apps.audit import outbox  # noqa: PLC0415  # Django must be set up before

    outbox.register("test.hold", "tests.audit.worker.hold")
    sys.stdout.write(f"tried {outbox.drain(limit=1)}\n")


if __name__ == "__main__":
    main()

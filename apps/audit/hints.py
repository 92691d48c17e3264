"""Tell a worker that the outbox holds something: a courtesy, beat looks every two seconds anyway.

Sent by a thread of its own: with a broker that is away, sending one task blocks for six seconds even when
told not to retry, and a request that is committed must not wait for that.
"""

from __future__ import annotations

import threading

import structlog
from celery import current_app
from django.conf import settings

log = structlog.get_logger(__name__)

TASK = "audit.drain"
PAUSE_S = 5.0  # after a failure


class Hinter:
    """Many wishes while one hint is under way become one hint."""

    def __init__(self) -> None:
        self._wanted = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def wish(self) -> None:
        """Return at once; never raises."""
        if not settings.OUTBOX_HINTS:
            return
        with self._starting:
            if self._thread is None or not self._thread.is_alive():  # also: the process was forked since
                self._thread = threading.Thread(target=self._serve, name="outbox-hints", daemon=True)
                self._thread.start()
        self._wanted.set()

    def _serve(self) -> None:
        while True:
            self._wanted.wait()
            self._wanted.clear()
            send()


def send() -> bool:
    """Send one hint; False, after a pause, if the broker did not take it."""
    try:
        current_app.send_task(TASK, retry=False, expires=30)
    except Exception as exc:  # noqa: BLE001  # any broker, any error: nothing depends on this hint
        log.warning("outbox_hint_failed", error=repr(exc))
        threading.Event().wait(PAUSE_S)
        return False
    return True


hinter = Hinter()

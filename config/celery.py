"""The Celery application: tasks of all rooms, queues in the same PostgreSQL unless BROKER_URL says otherwise.

No message carries work. A task says "go and look", the outbox holds the truth, and beat says it again every
two seconds; so a lost or doubled message costs a moment, never an effect.
"""

from __future__ import annotations

import atexit
import os
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from celery import Celery
from celery.signals import beat_embedded_init, worker_init, worker_process_init, worker_shutdown
from django.utils.module_loading import import_string
from kombu.transport import TRANSPORT_ALIASES

from apps.embedded import children

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.base")

VISIBILITY_S = 600  # above the hard limit of a task, so that no live task is ever delivered twice
PGMQ_OPTIONS: dict[str, Any] = {
    "init_extension": False,  # plain SQL, installed by a migration of the embedded room
    "visibility_timeout": VISIBILITY_S,
    "wait_time_seconds": 0,  # long polling would hold a connection and cost throughput
    "polling_interval": 0.05,
    "pool_size": 4,
    "pool_timeout": 5,
}

app = Celery("aftercast")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def _broker() -> tuple[str, dict[str, Any]]:
    from django.conf import settings  # noqa: PLC0415  # not before Django has found its settings

    if settings.BROKER_URL:
        return settings.BROKER_URL, {"visibility_timeout": VISIBILITY_S, "unacked_restore_throttle": 1}
    TRANSPORT_ALIASES["pgmq"] = "config.broker:Transport"  # kombu's, mended
    # Only the scheme differs from the database's address.
    return urlsplit(settings.DATABASE_URL)._replace(scheme="pgmq").geturl(), PGMQ_OPTIONS


_url, _options = _broker()
app.conf.update(broker_url=_url, broker_transport_options=_options)


@worker_init.connect
def preload(**_: Any) -> None:
    """Load Feast's code once, before the pool forks: every pool process then shares it and starts at once."""
    from django.conf import settings  # noqa: PLC0415

    for module in settings.PRELOAD:
        import_module(module)


@worker_process_init.connect
@beat_embedded_init.connect
def follow_parent(**_: Any) -> None:
    """Leave no orphan when the worker is killed by force."""
    children.follow_parent()


@worker_process_init.connect
def warm_up(**_: Any) -> None:
    """Open Feast's store before the first message: connections are a pool process's own."""
    from django.conf import settings  # noqa: PLC0415

    import_string(settings.WARM_UP)()


@worker_shutdown.connect
def leave_at_once(**_: Any) -> None:
    """Go as soon as the pool is closed: billiard's exit hook waits five seconds for the watcher of limits.

    Hooks run in the reverse order of their registration, so this one comes before that.
    """
    atexit.register(os._exit, 0)

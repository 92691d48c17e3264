"""gunicorn's settings. Address and number of workers come from the command line."""

from __future__ import annotations

import logging
from typing import Any

from apps.common import logs
from apps.embedded import children

worker_class = "gthread"
threads = 8
timeout = 120
graceful_timeout = 5
keepalive = 5
control_socket_disable = True  # it would live in the account's home folder
accesslog = None
preload_app = False  # threads and database pools must be born after the fork


def on_starting(server: Any) -> None:
    """Mask secrets in gunicorn's own lines: it writes them past Django's settings."""
    for handler in server.log.error_log.handlers:
        handler.setFormatter(logs.MaskingFormatter(handler.formatter or logging.Formatter()))


def post_fork(server: Any, worker: Any) -> None:  # gunicorn's signature
    """Leave no orphan, and no taken port, when the master is killed by force."""
    children.follow_parent()


def post_worker_init(worker: Any) -> None:  # gunicorn's signature
    """Load Feast in the background, so that pages and /healthz answer meanwhile."""
    from django.conf import settings  # noqa: PLC0415
    from django.utils.module_loading import import_string  # noqa: PLC0415

    import_string(settings.WARM_UP_IN_BACKGROUND)()

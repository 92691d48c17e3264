"""Can messages be sent?"""

from __future__ import annotations

from celery import current_app

from apps.common.health import HealthError

TIMEOUT_S = 3


def check() -> None:
    """The broker takes a connection, whichever it is.

    Raises:
        HealthError: it does not.
    """
    try:
        with current_app.connection_for_write(connect_timeout=TIMEOUT_S) as connection:
            connection.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_S)
            connection.default_channel.queue_declare(current_app.conf.task_default_queue, passive=True)
    except Exception as error:
        raise HealthError("The broker does not take connections.") from error

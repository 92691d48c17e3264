"""Can messages be sent?"""

from __future__ import annotations

from celery import current_app
from django.conf import settings
from django.db import connection

from apps.common.health import HealthError

TIMEOUT_S = 3


def check() -> None:
    """The queues can be reached: through our own connection where they live in our database.

    Raises:
        HealthError: they cannot.
    """
    try:
        if settings.BROKER_URL:
            _connect()
        else:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pgmq.list_queues()")
    except Exception as error:
        raise HealthError("The broker does not take connections.") from error


def _connect() -> None:
    with current_app.connection_for_write(connect_timeout=TIMEOUT_S) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT_S)

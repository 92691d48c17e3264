"""kombu's `pgmq` transport, mended: a message whose acknowledgement failed must not keep its place for ever.

kombu 5.7 deletes the row first and frees the prefetch slot after that (`Channel.basic_ack` in its pgmq.py).
Each acknowledgement that a restarting PostgreSQL breaks therefore costs the worker one slot; once all are
gone it polls on and never takes a message again. Here the slot is freed in any case. The row stays and is
delivered again after its visibility timeout, which our tasks may.
"""

from __future__ import annotations

import psycopg
from kombu.transport import pgmq


class Channel(pgmq.Channel):
    """A channel that frees the slot of what it cannot acknowledge."""

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:  # noqa: FBT001, FBT002  # kombu's
        """Delete the message; whatever happens, make room for the next one."""
        try:
            super().basic_ack(delivery_tag, multiple)  # type: ignore[no-untyped-call]  # kombu has no types
        except psycopg.Error:
            self.qos.ack(delivery_tag)
            raise

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002  # kombu's
        """Give the message back or delete it; whatever happens, make room for the next one."""
        try:
            super().basic_reject(delivery_tag, requeue)  # type: ignore[no-untyped-call]  # the same
        except psycopg.Error:
            self.qos.ack(delivery_tag)
            raise


class Transport(pgmq.Transport):
    """kombu's, with our channel."""

    Channel = Channel

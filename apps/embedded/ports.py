"""Ports of this machine: a free one to keep, and whether one is free."""

from __future__ import annotations

import errno
import secrets
import socket

from .errors import EmbeddedError, PortTakenError

HIGHEST_PORT = 65_535
LOW_PORT, HIGH_PORT = 20_000, 32_000
PORT_TRIES = 200


class AddressError(EmbeddedError):
    """No server can listen on that host and port, whatever else runs."""


def free_port() -> int:
    """A port that nobody listens on now.

    Below the range that outgoing connections are given: a client that keeps trying a dead server's port in
    that range can be given the very same one, is then connected to itself, and keeps the server out.
    """
    for _ in range(PORT_TRIES):
        port = LOW_PORT + secrets.randbelow(HIGH_PORT - LOW_PORT)
        if port_is_free(port):
            return port
    raise PortTakenError(
        f"No port between {LOW_PORT} and {HIGH_PORT} is free.", "Stop something that listens."
    )


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Could a server listen there?"""
    return refusal(port, host) is None


def refusal(port: int, host: str) -> OSError | None:
    """Why no server could listen there; None if one could."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            return problem
        except UnicodeError:  # a name with an empty or overlong part
            return OSError(errno.EINVAL, "that is no host name")
    return None

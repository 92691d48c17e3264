"""HTTP to addresses that an administrator typed: only to hosts outside, with limits of time and size.

The address of the peer is looked at once the connection stands and before a byte is sent, so that a name that
resolves differently the second time (DNS rebinding) reaches nothing. Redirects are not followed, proxies of
the environment are not used. Hosts named in `TRACKER_HOSTS` may be anywhere.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from apps.common.errors import InvalidInputError

from .issues import NoSuchIssueError, TrackerError

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = (5.0, 15.0)
MAX_BYTES = 4 * 2**20
CHUNK = 65_536
TOO_MANY = frozenset({403, 429})
REFUSED = "leads into this machine or its own network"


class InsideAddressError(NewConnectionError):
    """The name resolved to an address that is not outside."""


def check_address(url: str) -> None:
    """Refuse an address that is none, or that leads inside unless `TRACKER_HOSTS` allows its host.

    Raises:
        InvalidInputError: at `base_url`.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.password:
        raise InvalidInputError("Write an address such as https://api.github.com.", field="base_url")
    if _allowed(parts.hostname):
        return
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = {
            str(entry[4][0]) for entry in socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
        }
    except (OSError, ValueError, UnicodeError) as exc:
        raise InvalidInputError(f"Nobody knows the host {parts.hostname}.", field="base_url") from exc
    if not all(is_outside(address) for address in found):
        raise InvalidInputError(
            f"{parts.hostname} {REFUSED}.",
            field="base_url",
            remedy="Whoever runs the installation can allow the host by AFTERCAST_TRACKER_HOSTS.",
        )


def is_outside(address: str) -> bool:
    """Whether an IP address is of the public internet: no loopback, link-local, private or reserved one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    found = mapped or found
    return found.is_global and not found.is_multicast


def _allowed(host: str) -> bool:
    return host.lower() in {name.lower() for name in settings.TRACKER_HOSTS}


class _Checked:
    """Of a connection: looks who the peer is before anything is sent."""

    host: str

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]  # of the urllib3 class beside it
        if not _allowed(self.host.strip("[]")) and not is_outside(str(made.getpeername()[0])):
            made.close()
            raise InsideAddressError(self, f"{self.host} {REFUSED}")  # type: ignore[arg-type]  # a connection
        return made


class _Plain(_Checked, HTTPConnection):
    pass


class _Secure(_Checked, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}


class Door:
    """A session with one tracker: JSON in, JSON out, errors in words."""

    def __init__(
        self, base_url: str, headers: Mapping[str, str], auth: tuple[str, str] | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"User-Agent": "Aftercast", **headers})
        self.session.auth = auth
        self.session.mount("http://", _Adapter())
        self.session.mount("https://", _Adapter())

    def ask(
        self, method: str, path: str, *, json: Any = None, params: Mapping[str, str] | None = None
    ) -> Any:
        """The answer's JSON, None where it has none.

        Raises:
            NoSuchIssueError: 404 or 410.
            TrackerError: it cannot be reached, says no, or answers something else than JSON.
        """
        try:
            answer = self.session.request(
                method,
                self.base_url + path,
                json=json,
                params=params,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            with answer:
                return _read(answer)
        except requests.Timeout as exc:
            raise TrackerError(f"No answer within {TIMEOUT[1]:.0f} seconds.") from exc
        except requests.RequestException as exc:
            inside = REFUSED in str(exc)
            raise TrackerError(f"The host {REFUSED}." if inside else "It cannot be reached.") from exc


def _read(answer: requests.Response) -> Any:
    body = _body(answer)
    if answer.status_code in {404, 410}:
        raise NoSuchIssueError("It is not there, or the token may not see it.")
    if not answer.ok or answer.is_redirect:
        raise TrackerError(_said(answer, body), later_s=_later(answer))
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError as exc:
        raise TrackerError("The answer is no JSON: is this the address of its API?") from exc


def _body(answer: requests.Response) -> bytes:
    body = b""
    for chunk in answer.iter_content(CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TrackerError(f"The answer is larger than {MAX_BYTES // 2**20} MB.")
    return body


def _said(answer: requests.Response, body: bytes) -> str:
    """The refusal in the tracker's own words, as far as it gives some."""
    try:
        told = json.loads(body)
    except ValueError:
        told = {}
    words = [str(told.get("message") or "")] if isinstance(told, dict) else []
    if isinstance(told, dict):
        words += [str(text) for text in told.get("errorMessages") or []]
        named = told.get("errors")
        words += [f"{name}: {text}" for name, text in named.items()] if isinstance(named, dict) else []
    said = " ".join(word for word in words if word)[:300]
    return f"It answered {answer.status_code}{f': {said}' if said else '.'}"


def _later(answer: requests.Response) -> float | None:
    """`Retry-After` in seconds where the tracker limits calls."""
    given = answer.headers.get("Retry-After", "")
    if answer.status_code in TOO_MANY | {503} and given.isascii() and given.isdigit():
        return float(min(int(given), 86_400))
    return 60.0 if answer.status_code == 429 else None  # noqa: PLR2004  # too many requests, without a time

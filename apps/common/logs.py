"""What no log may tell, and what it need not."""

from __future__ import annotations

import logging
import re

HEALTH_PATH = "/healthz"
_UNWELL = 503
# Up to a blank, a quote or a backslash: lines are JSON, so quotes in them are escaped.
_SETUP_LINK = re.compile(r"""(/setup/)[^\s"'\\]+""", re.IGNORECASE)


def mask(text: str) -> str:
    """The text without the secret of a setup link: whoever reads logs must not become administrator."""
    return _SETUP_LINK.sub(r"\1[masked]", text)


class MaskingFormatter(logging.Formatter):
    """Masks what another formatter made, so that message, arguments and traceback are all covered."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line, masked."""
        return mask(self._inner.format(record))


class QuietHealth(logging.Filter):
    """Drops "503 at /healthz", which a poll meets until all is ready; an exception there is kept."""

    def filter(self, record: logging.LogRecord) -> bool:
        """False for a line that says only that the installation is not well yet."""
        return _said_by_middleware(record) != HEALTH_PATH and _said_by_django(record) != HEALTH_PATH


def _said_by_middleware(record: logging.LogRecord) -> str | None:
    """The path of a 503 in django_structlog's `request_finished`, whose `msg` is a dict."""
    event: object = record.msg  # annotated as text, but structlog hands its dict on
    if not isinstance(event, dict) or event.get("code") != _UNWELL or "exception" in event:
        return None
    return str(event.get("request", "")).partition(" ")[2].partition("?")[0]


def _said_by_django(record: logging.LogRecord) -> str | None:
    """The path of a 503 in Django's own line."""
    if getattr(record, "status_code", None) != _UNWELL or record.exc_info:
        return None
    return getattr(getattr(record, "request", None), "path", None)

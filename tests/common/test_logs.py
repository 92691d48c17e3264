"""What the logs of a web server must not tell, and what they need not."""

from __future__ import annotations

import io
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from apps.common import health
from apps.common.health import HealthError
from apps.common.logs import MaskingFormatter, mask
from config import gunicorn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What the handler of the settings writes."""
    handler = next(each for each in logging.getLogger().handlers if type(each) is logging.StreamHandler)
    lines = io.StringIO()
    before = handler.setStream(lines)
    yield lines
    if before is not None:
        handler.setStream(before)


def broken(*_: object) -> None:
    raise RuntimeError("broken at /setup/open-sesame_1")


@pytest.mark.api
@pytest.mark.django_db
def test_a_link_for_the_first_administrator_is_masked_in_every_line(client: Client, written: io.StringIO):
    reply = client.post("/setup/open-sesame_1", {"username": "x"})
    assert 400 <= reply.status_code < 500
    lines = written.getvalue().splitlines()
    assert len(lines) >= 2  # Django's own and the middleware's
    assert all("/setup/[masked]" in line for line in lines)
    assert "open-sesame_1" not in written.getvalue()


@pytest.mark.api
@pytest.mark.django_db
def test_a_link_is_masked_in_a_traceback_too(
    client: Client, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("apps.accounts.invitations.check_link", broken)
    client.raise_request_exception = False
    assert client.get("/setup/open-sesame_1").status_code == 500
    assert "RuntimeError" in written.getvalue()
    assert "/setup/[masked]" in written.getvalue()
    assert "open-sesame_1" not in written.getvalue()


@pytest.mark.unit
def test_the_rest_of_a_line_stays():
    assert mask('{"request": "GET /setup/aB-9_x?a=1", "code": 404}') == (
        '{"request": "GET /setup/[masked]", "code": 404}'
    )
    assert mask("GET /api/v1/setup-notes") == "GET /api/v1/setup-notes"


@pytest.mark.unit
def test_the_web_servers_own_lines_are_masked():
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    gunicorn.on_starting(SimpleNamespace(log=SimpleNamespace(error_log=SimpleNamespace(handlers=[handler]))))
    text = "Error handling request /setup/open-sesame_1"
    handler.handle(logging.makeLogRecord({"levelname": "ERROR", "msg": text}))
    assert isinstance(handler.formatter, MaskingFormatter)
    assert lines.getvalue() == "ERROR Error handling request /setup/[masked]\n"


@pytest.mark.api
@pytest.mark.django_db
def test_a_poll_that_finds_it_not_ready_is_not_logged(
    client: Client, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    def silent() -> None:
        raise HealthError("no worker was ever seen")

    monkeypatch.setattr(health, "_checks", {"worker": silent})
    assert client.get("/healthz").status_code == 503
    assert client.get("/healthz?from=balancer").status_code == 503
    assert written.getvalue() == ""


@pytest.mark.api
@pytest.mark.django_db
def test_a_health_page_that_breaks_is_logged(
    client: Client, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(health, "report", broken)
    client.raise_request_exception = False
    assert client.get("/healthz").status_code == 500
    assert "RuntimeError" in written.getvalue()

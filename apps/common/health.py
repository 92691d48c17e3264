"""Is this installation well? Rooms register checks by name; /healthz runs them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from django.db import Error, connection
from django.http import JsonResponse
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest

log = structlog.get_logger(__name__)

EXAMPLE_OK: dict[str, Any] = {
    "status": "ok",
    **{name: {"ok": True} for name in ("broker", "database", "feast", "worker")},
}
EXAMPLE_FAILING: dict[str, Any] = EXAMPLE_OK | {
    "status": "failing",
    "worker": {"ok": False, "problem": "No worker has been seen for 25 s."},
}

Check = Callable[[], None]
_checks: dict[str, Check] = {}


class HealthError(Exception):
    """What is wrong, safe to show to anybody: no addresses, no secrets."""


def register(name: str, check: Check) -> None:
    """Add a check; it returns None when all is well and raises HealthError when not. Called from ready()."""
    _checks[name] = check


def report() -> dict[str, Any]:
    """`status` ("ok" or "failing"), and for each check `ok` and, where it failed, `problem`."""
    found: dict[str, Any] = {name: _run(check) for name, check in sorted(_checks.items())}
    return {"status": "ok" if all(entry["ok"] for entry in found.values()) else "failing", **found}


def _run(check: Check) -> dict[str, Any]:
    try:
        check()
    except HealthError as problem:
        return {"ok": False, "problem": str(problem)}
    except Exception as error:  # noqa: BLE001  # a check that breaks is a failing check; the log has the whole
        log.warning("health_check_failed", error=repr(error))
        return {"ok": False, "problem": type(error).__name__}
    return {"ok": True}


def database() -> None:
    """The database answers.

    Raises:
        HealthError: it does not.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        raise HealthError("The database does not answer.") from error


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """GET /healthz: 200 when every check passes, 503 when not.

    Public, and says nothing that an outsider may not know.
    """
    found = report()
    reply = JsonResponse(found, status=200 if found["status"] == "ok" else 503)
    reply["Cache-Control"] = "no-store"
    return reply

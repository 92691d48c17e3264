"""`POST /feast/get-online-features`: what the stock SDK's remote online store speaks, and nothing else of
Feast.

Not a DRF view: the client needs errors as a JSON string that itself contains JSON, or it loses their text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import ParseError

from apps.accounts.authentication import CHALLENGE, authenticate_bearer
from apps.common import strict_json
from apps.common.errors import DomainError, InvalidInputError, require
from apps.features import reading

if TYPE_CHECKING:
    from apps.accounts.models import ApiToken

log = structlog.get_logger(__name__)

SCOPE = "features:read"


@csrf_exempt
def get_online_features(request: HttpRequest) -> HttpResponse:
    """Answer the stock client; every refusal is a typed Feast error with a text that helps."""
    if request.method != "POST":
        return _error(405, "FeastError", "POST only")
    try:
        token = authenticate_bearer(request.headers.get("Authorization", ""))
        return _refusal(token) or _answer(_body(request), require(token, "the token"))
    except DomainError as error:
        return _error(error.status, str(getattr(error, "feast", "FeastError")), error.detail)
    except (OperationalError, InterfaceError):
        answer = _error(503, "FeastError", "the database does not answer; try again shortly")
        answer["Retry-After"] = "1"  # the client tries again by itself
        return answer
    except (RequestDataTooBig, UnreadablePostError) as error:
        large = isinstance(error, RequestDataTooBig)
        return _error(
            413 if large else 400, "FeastError", f"the body {'is too large' if large else 'broke off'}"
        )
    except Exception:
        log.exception("feast_door_failed")  # the client gets a form that it can read
        return _error(500, "FeastError", "internal error; it is in the server's log")


def _refusal(token: ApiToken | None) -> JsonResponse | None:
    if token is None:
        refusal = _error(
            401,
            "FeastPermissionError",
            "invalid or missing token; set AFTERCAST_TOKEN (an entry for this host in ~/.netrc replaces it)",
        )
        refusal["WWW-Authenticate"] = CHALLENGE
        return refusal
    if not token.allows(SCOPE):
        return _error(403, "FeastPermissionError", f"the token lacks the scope {SCOPE}")
    return None


def _answer(body: dict[str, Any], token: ApiToken) -> JsonResponse:
    from apps.features.store import open_store

    now = reading.standing()
    asked = {"feature_service": body.get("feature_service"), "features": body.get("features") or None}
    entities = reading.check_entities(body.get("entities"), reading.join_keys(**asked))
    selection = reading.select(
        now,
        feature_service=_text(body, "feature_service"),
        features=asked["features"],
        full_names=_flag(body, "full_feature_names"),
    )
    answer = reading.answer(
        open_store(),
        selection,
        entities,
        now=now,
        min_confidence=token.min_confidence,
        consumer=f"{token.user.username}/{token.name}",
    )
    headers = {"X-Aftercast-Release": str(answer.release)} if answer.release is not None else {}
    return JsonResponse(answer.plain(), headers=headers)


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        body = strict_json.loads(request.body)
    except ParseError as error:
        raise InvalidInputError("the body must be JSON") from error
    if not isinstance(body, dict):
        raise InvalidInputError("the body must be an object with features or feature_service, and entities")
    return body


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidInputError(f"{name} must be text", field=name)
    return value or None


def _flag(body: dict[str, Any], name: str) -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise InvalidInputError(f"{name} must be true or false", field=name)
    return bool(value)


def _error(status: int, feast_class: str, message: str) -> JsonResponse:
    """The client parses the decoded body a second time, so the body is a JSON string holding JSON."""
    detail = json.dumps({"module": "feast.errors", "class": feast_class, "message": message})
    return JsonResponse(detail, safe=False, status=status)

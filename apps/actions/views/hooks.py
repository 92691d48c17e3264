"""The door of trackers' webhooks: no session and no token, the signature over the body is all."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import ParseError

from apps.actions.services.mirroring import take_delivery
from apps.common.errors import DomainError

MAX_BYTES = 2**20
LENGTH = "CONTENT_LENGTH"


@csrf_exempt
def tracker_hook(request: HttpRequest, key: str) -> JsonResponse:
    """Take one delivery: 200 with its outcome, or a problem. A tracker that is unknown looks like no page."""
    if request.method != "POST":
        return _problem(405, "method_not_allowed", "POST only")
    try:
        found = uuid.UUID(key)
    except ValueError:
        return _problem(404, "not_found", "There is no such page.")
    length = str(request.META.get(LENGTH) or "0")
    if not length.isdigit() or int(length) > MAX_BYTES:
        return _problem(413, "too_large", f"At most {MAX_BYTES // 2**20} MB.")
    try:
        outcome = take_delivery(key=found, headers=request.headers, body=request.body)
    except DomainError as error:
        answer = _problem(error.status, error.code, error.detail)
        if error.status == 429:  # noqa: PLR2004  # too many requests
            answer["Retry-After"] = "60"
        return answer
    except ParseError:
        return _problem(400, "malformed", "The body is no JSON.")
    return JsonResponse({"outcome": outcome})


def _problem(status: int, code: str, detail: str) -> JsonResponse:
    answer = JsonResponse(
        {"type": "about:blank", "status": status, "code": code, "detail": detail}, status=status
    )
    answer["Content-Type"] = "application/problem+json"
    return answer

"""Every API error in one form: problem details (RFC 9457) with a stable `code` and the field at fault."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypedDict

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import DataError, InterfaceError, OperationalError
from django.http import Http404, HttpResponseBase, JsonResponse
from django.http.request import UnreadablePostError
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from . import strict_json
from .errors import DomainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http import HttpRequest

CONTENT_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:aftercast:problem:"
MACHINE_PATHS = ("/api/", "/feast/")
RETRY_AFTER_S = 5
HIGHEST_INTEGER = 2**31 - 1  # of the narrowest number column


class FieldError(TypedDict):
    """One thing wrong: `field` is a dotted path, `pointer` the same as a JSON pointer (RFC 6901)."""

    field: str | None
    pointer: str | None
    code: str
    detail: str


class Problem(TypedDict):
    type: str
    title: str
    status: int
    code: str
    detail: str
    field: str | None
    remedy: str | None
    errors: list[FieldError]


# The same as an OpenAPI schema.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "field", "remedy", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "stable, to be tested by programs"},
        "detail": {"type": "string"},
        "field": {"type": ["string", "null"], "description": "dotted path of the first input at fault"},
        "remedy": {"type": ["string", "null"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "pointer", "code", "detail"],
                "properties": {
                    "field": {"type": ["string", "null"]},
                    "pointer": {"type": ["string", "null"]},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    remedy: str | None = None,
    errors: list[FieldError] | None = None,
) -> Problem:
    """The body of one error; `errors` has one entry per thing wrong, and always at least one.

    Errors repeat what came in: whatever UTF-8 cannot hold is escaped here, or the answer itself would fail.
    """
    found = errors or [FieldError(field=field, pointer=None, code=code, detail=detail)]
    return {
        "type": TYPE_PREFIX + sendable(code),
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": sendable(code),
        "detail": sendable(detail),
        "field": None if field is None else sendable(field),
        "remedy": None if remedy is None else sendable(remedy),
        "errors": [_sendable_error(error) for error in found],
    }


def sendable(text: str) -> str:
    r"""The text with half surrogate pairs as `\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode()


def _sendable_error(error: FieldError) -> FieldError:
    field = None if error["field"] is None else sendable(error["field"])
    return {
        "field": field,
        "pointer": pointer(field),
        "code": sendable(error["code"]),
        "detail": sendable(error["detail"]),
    }


def pointer(field: str | None) -> str | None:
    """`signals.0.value` as `/signals/0/value`."""
    return None if field is None else "/" + "/".join(part.replace("~", "~0") for part in field.split("."))


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception hook; None lets an unexpected error become a 500 (see `server_error`)."""
    found = _domain(exc) or _http(exc) or _storage(exc, context)
    if found is None:
        return None
    body, headers = found
    return Response(body, status=body["status"], headers=headers, content_type=CONTENT_TYPE)


Found = tuple[Problem, dict[str, str]]


def _domain(exc: Exception) -> Found | None:
    if not isinstance(exc, DomainError):
        return None
    error = FieldError(field=exc.field, pointer=None, code=exc.reason or exc.code, detail=exc.detail)
    return problem(exc.status, exc.code, exc.detail, field=exc.field, remedy=exc.remedy, errors=[error]), {}


def _http(exc: Exception) -> Found | None:
    if isinstance(exc, Http404):
        return problem(404, "not_found", "No such thing, or not for you."), {}
    if isinstance(exc, PermissionDenied):
        return problem(403, "forbidden", str(exc) or "You may not do this."), {}
    if isinstance(exc, exceptions.ValidationError):
        return _validation(exc), {}
    if isinstance(exc, exceptions.APIException):
        return _api(exc)
    return None


def _api(exc: exceptions.APIException) -> Found:
    headers = {}
    if challenge := getattr(exc, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(exc, "wait", None):
        headers["Retry-After"] = str(int(wait))
    codes = exc.get_codes()
    code = codes if isinstance(codes, str) else exc.default_code
    return problem(
        exc.status_code,
        {"permission_denied": "forbidden", "parse_error": "malformed"}.get(code, code),
        str(exc.detail),
    ), headers


def _validation(exc: exceptions.ValidationError) -> Problem:
    errors = list(_walk(exc.get_full_details(), ()))
    first = errors[0] if errors else None
    if first is None:
        return problem(422, "invalid_input", "The request is not valid.")
    where = f"{first['field']}: " if first["field"] else ""
    return problem(422, "invalid_input", where + first["detail"], field=first["field"], errors=errors)


def _walk(details: Any, path: tuple[str, ...]) -> Iterator[FieldError]:
    """Flatten DRF's nested error details, in order."""
    if _is_leaf(details):
        field = ".".join(path) or None
        yield {
            "field": field,
            "pointer": pointer(field),
            "code": details["code"],
            "detail": str(details["message"]),
        }
    elif isinstance(details, dict):
        for name, inner in details.items():
            yield from _walk(inner, path if name == "non_field_errors" else (*path, str(name)))
    elif isinstance(details, list):
        # A list holds the messages of one field, or one entry per row of a list field (good rows are empty).
        rows = any(isinstance(inner, dict) and not _is_leaf(inner) for inner in details)
        for number, inner in enumerate(details):
            yield from _walk(inner, (*path, str(number)) if rows else path)


def _is_leaf(details: Any) -> bool:
    """One message with its code; not the messages of two fields that are called so."""
    return isinstance(details, dict) and isinstance(details.get("message"), str) and len(details) == 2  # noqa: PLR2004


def _storage(exc: Exception, context: dict[str, Any]) -> Found | None:
    """Values that no column can hold are the caller's mistake; a database that is away is nobody's."""
    if isinstance(exc, (DataError, UnicodeEncodeError)):
        detail = "A value cannot be stored: a NUL character, half a surrogate pair, or a number out of range."
        return problem(422, "unstorable_value", detail, field=_unstorable(context)), {}
    if isinstance(exc, RecursionError):
        return problem(400, "malformed", "The body is nested too deeply."), {}
    if isinstance(exc, RequestDataTooBig):
        return problem(413, "too_large", "The body is too large."), {}
    if isinstance(exc, UnreadablePostError):
        return problem(400, "malformed", "The body broke off."), {}
    if isinstance(exc, (OperationalError, InterfaceError)):
        found = problem(
            503, "database_unavailable", "The database does not answer.", remedy="Try again shortly."
        )
        return found, {"Retry-After": str(RETRY_AFTER_S)}
    return None


def _unstorable(context: dict[str, Any]) -> str | None:
    """The place of the likeliest culprit: a text that no column holds, else a number beyond 32 bits.

    The database does not say which value it means.
    """
    request = context.get("request")
    if request is None:
        return None
    numbers: list[str | None] = []
    for given in (context.get("kwargs") or {}, request.query_params.dict(), _body(request)):
        for place, leaf in strict_json.leaves(given):
            if strict_json.flaw(leaf) is not None:
                return strict_json.dotted(place)
            if isinstance(leaf, int) and abs(leaf) > HIGHEST_INTEGER:
                numbers.append(strict_json.dotted(place))
    return numbers[0] if numbers else None


def _body(request: Any) -> Any:
    try:
        return request.data
    except (DomainError, exceptions.APIException):  # never read until now, and not readable
        return None


# --- errors outside of API views: unknown addresses, middleware, bugs -----------------------------
def _machine(request: HttpRequest) -> bool:
    return request.path.startswith(MACHINE_PATHS)


def _json(body: Problem) -> JsonResponse:
    return JsonResponse(body, status=body["status"], content_type=CONTENT_TYPE)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """`handler400`."""
    if not _machine(request):
        return defaults.bad_request(request, exception)
    if isinstance(exception, RequestDataTooBig):
        return _json(problem(413, "too_large", "The body is too large."))
    return _json(problem(400, "bad_request", "The request cannot be understood."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """`handler403`."""
    if not _machine(request):
        return defaults.permission_denied(request, exception)
    return _json(problem(403, "forbidden", str(exception) or "You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """`handler404`."""
    if not _machine(request):
        return defaults.page_not_found(request, exception)
    return _json(problem(404, "not_found", "There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """`handler500`."""
    if not _machine(request):
        return defaults.server_error(request)
    return _json(problem(500, "internal_error", "Something broke here. It is logged."))

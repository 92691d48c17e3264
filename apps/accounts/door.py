"""The base of every API view: who may do what, idempotent POSTs, pages of long lists."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.http import HttpResponse, HttpResponseBase, QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ParseError, PermissionDenied
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.audit import idempotency
from apps.common import failpoints, strict_json
from apps.common.errors import DomainError, InvalidInputError

from .models import ApiToken, User
from .schema import ApiSchema

if TYPE_CHECKING:
    from rest_framework.request import Request

M = TypeVar("M", bound=models.Model)
Handler = Callable[..., HttpResponseBase]
JSON = "application/json"
AFTER_COMMIT = "api.after_commit"  # fail-point: the effect is there, its answer is lost
DEFAULT_LIMIT = 50
MAX_LIMIT = 200
PAGE_PARAMETERS = [
    OpenApiParameter("limit", int, description=f"1 to {MAX_LIMIT}, {DEFAULT_LIMIT} if not given"),
    OpenApiParameter("cursor", str, description="`next` of the page before"),
]


@dataclass(frozen=True, slots=True)
class Access:
    """Who passes: a token with `scope` or "api" (any if empty); its person holds one of `roles` (if any).

    With `services_too`, a service account needs the scope alone: what it may do was decided with its token.
    """

    scope: str = "api"
    roles: frozenset[str] | set[str] = frozenset()
    services_too: bool = False


class ApiView(APIView):
    """Set `access` for each method; set `idempotent = False` where a POST only reads."""

    access: ClassVar[dict[str, Access]] = {}
    idempotent: ClassVar[bool] = True
    permission_classes = [IsAuthenticated]
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    schema = ApiSchema()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        open_methods = {
            name.upper() for name in cls.http_method_names if name != "head" and hasattr(cls, name)
        }
        if missing := open_methods - set(cls.access):
            raise TypeError(f"{cls.__name__}.access says nothing of {', '.join(sorted(missing))}")

    @property
    def person(self) -> User:
        """The caller. The door lets nobody else in, so this never fails inside a handler."""
        user = self.request.user
        if not isinstance(user, User):
            raise PermissionDenied
        return user

    @property
    def token(self) -> ApiToken | None:
        """The token that was shown; None for a browser session."""
        return self.request.auth if isinstance(self.request.auth, ApiToken) else None

    def after_commit(self, request: Request, response: Response) -> Response:
        """Hook: runs once the POST's effect is committed, also when a stored answer is sent again."""
        return response

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        method = "GET" if request.method == "HEAD" else str(request.method)
        access = self.access.get(method)
        if access is not None:  # None: no such method here, and DRF answers 405
            self._check(access)

    def _check(self, access: Access) -> None:
        if access.scope and self.token is not None and not self.token.allows(access.scope):
            raise PermissionDenied(f"The token lacks the scope {access.scope}.", code="scope_missing")
        trusted = access.services_too and self.person.is_service
        if access.roles and not trusted and not self.person.has_role(*access.roles):
            roles = ", ".join(sorted(str(role) for role in access.roles))
            raise PermissionDenied(f"This needs one of the roles: {roles}.", code="role_missing")

    # --- idempotent POSTs -------------------------------------------------------------------------
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """DRF's dispatch, with the guard around the handler of a POST."""
        self.args, self.kwargs = args, kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(self.request, *args, **kwargs)
            response = self._run()
        except Exception as exc:  # noqa: BLE001  # DRF's own boundary: what it does not know, it raises again
            response = self.handle_exception(exc)
        self.response = self.finalize_response(self.request, response, *args, **kwargs)
        return self.response

    def _run(self) -> Any:
        request = self.request
        name = str(request.method).lower()
        handler: Handler = (
            getattr(self, name, self.http_method_not_allowed)
            if name in self.http_method_names
            else self.http_method_not_allowed
        )
        if request.method != "POST" or not self.idempotent:
            response = handler(request, *self.args, **self.kwargs)
            return response if request.method != "POST" else self._after(response)
        key = idempotency.checked_key(request.META.get("HTTP_IDEMPOTENCY_KEY"))
        if key is None or not settings.IDEMPOTENCY_GUARD:
            return self._after(handler(request, *self.args, **self.kwargs))
        return self._after(self._guarded(handler, key))

    def _after(self, response: Any) -> Any:
        done = isinstance(response, Response) and response.status_code < 400  # noqa: PLR2004
        if not done:
            return response
        if self.idempotent:
            failpoints.reach(AFTER_COMMIT)
        return self.after_commit(self.request, response)

    def _guarded(self, handler: Handler, key: str) -> Any:
        """Key, effect and answer commit together; a refusal undoes its effect and is kept as the answer."""
        request = self.request
        call = idempotency.Call(
            actor=str(self.person.pk),
            key=key,
            request_hash=idempotency.request_hash(str(request.method), request.get_full_path(), request.body),
        )
        with transaction.atomic():
            stored = idempotency.enter(call)
            if stored is not None:
                return _replayed(stored)
            response = self._in_savepoint(handler)
            if idempotency.is_final(response.status_code):
                idempotency.keep(call, _answer(response))
        return response

    def _in_savepoint(self, handler: Handler) -> Any:
        try:
            with transaction.atomic():
                response = handler(self.request, *self.args, **self.kwargs)
                if response.status_code >= 400:  # noqa: PLR2004
                    transaction.set_rollback(True)
                return response
        except Exception as exc:  # noqa: BLE001  # an unknown error is raised again by the hook, and nothing is kept
            return self.handle_exception(exc)


def _answer(response: HttpResponseBase) -> idempotency.Answer:
    if isinstance(response, Response):
        body = b"" if response.data is None else JSONRenderer().render(response.data)
        return idempotency.Answer(response.status_code, response.content_type or JSON, body)
    body = response.content if isinstance(response, HttpResponse) else b""
    return idempotency.Answer(response.status_code, response.headers["Content-Type"], body)


def _replayed(stored: idempotency.Answer) -> HttpResponseBase:
    headers = {"Idempotent-Replay": "true"}
    if "json" not in stored.content_type:
        return HttpResponse(
            stored.body, status=stored.status, content_type=stored.content_type, headers=headers
        )
    data = json.loads(stored.body) if stored.body else None
    return Response(data, status=stored.status, content_type=stored.content_type, headers=headers)


# --- pages of long lists --------------------------------------------------------------------------
class Page(TypedDict):
    items: list[Any]
    next: str | None


def keyset(queryset: models.QuerySet[M], source: Request | QueryDict, order: str | Iterable[str]) -> Page:
    """One page by keyset: `?limit=` (at most 200) and `?cursor=` from the page before.

    `order` names not-null columns, "-" for descending; the primary key is added to make the order total.
    A page costs one query whatever its depth, and rows added meanwhile neither repeat nor hide others.

    Raises:
        InvalidInputError: the limit or the cursor is not one.
    """
    names = [order] if isinstance(order, str) else list(order)
    if not any(name.lstrip("-") in {"id", "pk", queryset.model._meta.pk.name} for name in names):  # noqa: SLF001
        names.append("-pk" if names[-1].startswith("-") else "pk")
    given = source if isinstance(source, QueryDict) else source.query_params
    limit = _limit(given.get("limit"))
    cursor = given.get("cursor")
    if cursor:
        queryset = queryset.filter(_beyond(names, _values(queryset.model, names, cursor)))
    rows = list(queryset.order_by(*names)[: limit + 1])
    more = len(rows) > limit
    return {"items": rows[:limit], "next": _cursor(rows[limit - 1], names) if more else None}


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= MAX_LIMIT):
        raise InvalidInputError(f"limit is a whole number from 1 to {MAX_LIMIT}.", field="limit")
    return int(text)


def _field(model: type[models.Model], name: str) -> Any:
    plain = name.lstrip("-")
    return model._meta.pk if plain == "pk" else model._meta.get_field(plain)  # noqa: SLF001


def _cursor(row: models.Model, names: list[str]) -> str:
    values = [_field(type(row), name).value_to_string(row) for name in names]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _values(model: type[models.Model], names: list[str], cursor: str) -> list[Any]:
    try:
        texts = strict_json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_column(model, name, text) for name, text in zip(names, texts, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError, ParseError, DomainError) as exc:
        raise InvalidInputError("The cursor is not one that this list gave out.", field="cursor") from exc


def _column(model: type[models.Model], name: str, text: Any) -> Any:
    """One value of a cursor as its column has it; `_cursor` writes nothing but text."""
    if not isinstance(text, str):
        raise TypeError(name)
    value = _field(model, name).to_python(text)
    if isinstance(value, datetime):
        value = value.astimezone(UTC)
    return value


def _beyond(names: list[str], values: list[Any]) -> models.Q:
    """(a, b) after (x, y), each column in its own direction: a > x, or a = x and b > y."""
    beyond = models.Q()
    same = models.Q()
    for name, value in zip(names, values, strict=True):
        plain = name.lstrip("-")
        beyond |= same & models.Q(**{f"{plain}__{'lt' if name.startswith('-') else 'gt'}": value})
        same &= models.Q(**{plain: value})
    return beyond

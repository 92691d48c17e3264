"""The door of every page: who may open it, and how refusals look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

from apps.common.errors import DomainError, ForbiddenError, NotFoundError

from .door import keyset
from .models import Role, User

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

M = TypeVar("M", bound=models.Model)
View = Callable[..., HttpResponseBase]

JUDGES = frozenset({Role.REVIEWER, Role.OPERATOR})
OPERATORS = frozenset({Role.OPERATOR, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})


class AuthedRequest(HttpRequest):
    """A request behind `page`: its user is a person of ours."""

    user: User
    htmx: HtmxDetails


@dataclass(frozen=True)
class PageAccess:
    """Methods that a page answers, and who may use each; an empty set of roles means everybody signed in."""

    methods: dict[str, frozenset[str]]
    public: bool = False


def page(
    *, get: Iterable[str] | None = (), post: Iterable[str] | None = None
) -> Callable[[Callable[..., HttpResponseBase]], View]:
    """Open a view to people: `get` and `post` name the roles that may (() everybody signed in, None nobody).

    Strangers are sent to the sign-in page and come back afterwards. A service's NotFoundError becomes the 404
    page, ForbiddenError the 403 page; any other DomainError of a POST becomes a message, and the person stays
    where they were. For htmx, which would put the page into a fragment, both are a header (HX-Redirect) that
    moves the whole window.
    """
    methods = {
        name: frozenset(str(role) for role in roles)
        for name, roles in (("GET", get), ("POST", post))
        if roles is not None
    }

    def wrap(view: Callable[..., HttpResponseBase]) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            method = "GET" if request.method == "HEAD" else str(request.method)
            if method not in methods:
                return HttpResponseNotAllowed(sorted(methods))
            if not isinstance(request.user, User):
                return _to_sign_in(request, method)
            if methods[method] and not request.user.has_role(*methods[method]):
                wanted = " or ".join(sorted(Role(role).label for role in methods[method]))
                raise PermissionDenied(f"This needs the role {wanted}. An administrator can give it to you.")
            return _answered(view, request, *args, **kwargs)

        guarded.access = PageAccess(methods)  # type: ignore[attr-defined]  # read by the test of all routes
        return guarded

    return wrap


def _answered(
    view: Callable[..., HttpResponseBase], request: HttpRequest, *args: Any, **kwargs: Any
) -> HttpResponseBase:
    if "\x00" in request.path:
        raise Http404("No address has a NUL in it.")  # and no text of the database: asking it would break
    try:
        return view(request, *args, **kwargs)
    except NotFoundError as error:
        raise Http404(error.detail) from error
    except ForbiddenError as error:
        raise PermissionDenied(error.detail) from error
    except DomainError as error:
        if request.method != "POST":
            raise
        messages.error(request, f"{error.detail} {error.remedy or ''}".strip())
        return moved(request, back(request))


def moved(request: HttpRequest, url: str) -> HttpResponseBase:
    """A redirect that also leaves the page when a fragment was asked for by htmx."""
    return HttpResponseClientRedirect(url) if getattr(request, "htmx", False) else redirect(url)


def _to_sign_in(request: HttpRequest, method: str) -> HttpResponseBase:
    """Sign in, then come back to the page: for a fragment or a form, to the one that holds it."""
    whole_page = method == "GET" and not getattr(request, "htmx", False)
    there = request.get_full_path() if whole_page else back(request)
    return moved(request, redirect_to_login(there).url)


def back(request: HttpRequest) -> str:
    """The page that the form stood on, if it is one of ours."""
    before = request.headers.get("HX-Current-URL") or request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        before, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    parts = urlsplit(before)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "") if ours and before else "/"


@dataclass(frozen=True)
class Listing(Generic[M]):
    """One page of a long list; `next_url` leads to the rest, None at its end."""

    items: list[M]
    next_url: str | None


def listing(request: HttpRequest, queryset: models.QuerySet[M], order: str | Iterable[str]) -> Listing[M]:
    """One page by keyset (see `door.keyset`), as pages need it: one query, whatever the depth.

    Raises:
        Http404: the cursor or the limit is not one of ours.
    """
    try:
        found = keyset(queryset, request.GET, order)
    except DomainError as error:
        raise Http404(error.detail) from error
    if found["next"] is None:
        return Listing(found["items"], None)
    rest = {**request.GET.dict(), "cursor": found["next"]}
    return Listing(found["items"], "?" + urlencode(rest))

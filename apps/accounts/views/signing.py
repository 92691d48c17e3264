"""Signing in, by password or as one of a demo's people, and out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.contrib.auth.views import LoginView
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.accounts import backends, cast
from apps.accounts.forms import SignInForm
from apps.accounts.pages import AuthedRequest, page
from apps.common.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

BACKEND = "apps.accounts.backends.LocalAccounts"


class SignIn(LoginView):
    """By user name or address. Django checks that `?next=` leads to this host."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:
        """Not back to this page itself, which would go on for ever."""
        wanted = super().get_redirect_url(request) if request is not None else super().get_redirect_url()
        return "" if urlsplit(wanted).path == self.request.path else wanted

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "cast": cast.people()}

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)


def locked_out(
    request: HttpRequest, response: HttpResponse | None = None, credentials: Mapping[str, Any] | None = None
) -> HttpResponse:
    """The sign-in page with how long to wait; the same for names that exist and names that do not."""
    wait_s = _wait_s(request, credentials)
    form = SignInForm(request, initial={"username": request.POST.get("username", "")[:254]})
    context = {
        "form": form,
        "next": request.POST.get("next", ""),
        "cast": cast.people(),
        "minutes": math.ceil(wait_s / 60),
    }
    answer = render(request, "accounts/sign_in.html", context, status=429)
    answer.headers["Retry-After"] = str(wait_s)
    return answer


@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    """One click, one of the demo's people, then on to `next`; there is no such page outside a demo."""
    try:
        person = cast.member(request.POST.get("username", ""))
    except NotFoundError as error:
        raise Http404(error.detail) from error
    login(request, person, backend=BACKEND)
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(wanted if ours and wanted.startswith("/") else "dashboards:home")


@page(get=None, post=())
def sign_out(request: AuthedRequest) -> HttpResponse:
    """End this session."""
    logout(request)
    messages.success(request, "You are signed out.")
    return redirect("accounts:sign-in")


def _wait_s(request: HttpRequest, credentials: Mapping[str, Any] | None) -> int:
    """Seconds until tries of this name from this address are heard again."""
    whole = settings.AXES_COOLOFF_TIME
    latest = (
        AccessAttempt.objects.filter(
            username=backends.name_for_lock(request, credentials),
            ip_address=backends.address_for_lock(request),
        )
        .order_by("-attempt_time")
        .first()
    )
    left = whole if latest is None else latest.attempt_time + whole - timezone.now()
    return max(1, math.ceil(left.total_seconds()))

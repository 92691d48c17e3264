"""The setup page behind the one-time link."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import invitations
from apps.accounts.forms import FirstAdminForm
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "POST"])
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Show the form; make the administrator; say in clear text why a link opens nothing."""
    form = FirstAdminForm(request.POST if request.method == "POST" else None)
    try:
        invitations.check_link(token)
        if request.method == "POST" and form.is_valid():
            user = invitations.make_first_admin(plain=token, **form.cleaned_data)
            return _page(request, "accounts/setup_done.html", {"username": user.username}, status=201)
    except invitations.LinkError as exc:
        return _page(request, "accounts/link_closed.html", {"error": exc}, status=exc.status)
    except DomainError as exc:
        add_domain_error(form, exc)
    return _page(request, "accounts/setup.html", {"form": form}, status=422 if form.errors else 200)


def _page(request: HttpRequest, template: str, context: dict[str, object], *, status: int) -> HttpResponse:
    response = render(request, template, context, status=status)
    response.headers["Referrer-Policy"] = "no-referrer"  # the address itself is the secret
    return response

"""Inviting, and accepting an invitation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth import login
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts import inviting, once
from apps.accounts.forms import AcceptForm, InviteForm
from apps.accounts.pages import ADMINS, AuthedRequest, page
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

from .people import NEW_LINK
from .signing import BACKEND

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page(get=ADMINS, post=ADMINS)
def invite(request: AuthedRequest) -> HttpResponse:
    """Invite somebody by address, with roles and a team."""
    form = InviteForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            invitation, nonce = inviting.invite(actor=request.user, **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            once.keep(request, NEW_LINK, nonce)
            messages.success(request, f"{invitation.email} is invited.")
            return redirect("accounts:people")
    return render(request, "accounts/invite.html", {"form": form}, status=422 if form.errors else 200)


@page(get=None, post=ADMINS)
def send_again(request: AuthedRequest, pk: int) -> HttpResponse:
    """A new link by mail, also shown once; the old one ends."""
    invitation, nonce = inviting.send_again(invitation_id=pk, actor=request.user)
    once.keep(request, NEW_LINK, nonce)
    messages.success(request, f"{invitation.email} gets a new link; the one before has ended.")
    return redirect("accounts:people")


@page(get=None, post=ADMINS)
def withdraw(request: AuthedRequest, pk: int) -> HttpResponse:
    """End a link that was not used."""
    invitation = inviting.withdraw(invitation_id=pk, actor=request.user)
    messages.success(request, f"The invitation of {invitation.email} is withdrawn.")
    return redirect("accounts:people")


@never_cache
@sensitive_post_parameters("password", "again")
@require_http_methods(["GET", "POST"])
def accept(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a name and a password; the person is signed in by it."""
    form = AcceptForm(request.POST if request.method == "POST" else None)
    try:
        invitation = inviting.find(token)
        if request.method == "POST" and form.is_valid():
            person = inviting.accept(
                plain=token,
                username=form.cleaned_data["username"],
                password=form.cleaned_data["password"],
            )
            login(request, person, backend=BACKEND)
            messages.success(request, f"Welcome, {person.name}.")
            return redirect("dashboards:home")
    except inviting.InvitationError as error:
        return _secret(render(request, "accounts/link_closed.html", {"error": error}, status=error.status))
    except DomainError as error:
        add_domain_error(form, error)
    context = {"form": form, "invitation": invitation}
    status = 422 if form.errors else 200
    return _secret(render(request, "accounts/invitation.html", context, status=status))


def _secret(response: HttpResponse) -> HttpResponse:
    response.headers["Referrer-Policy"] = "no-referrer"  # the address itself is the secret
    return response

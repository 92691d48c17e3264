"""My account and my tokens."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from apps.accounts import once, people, tokens
from apps.accounts.forms import ProfileForm, TokenForm
from apps.accounts.models import ApiToken, Role, Team
from apps.accounts.pages import AuthedRequest, listing, page
from apps.accounts.roles import WORDS
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

if TYPE_CHECKING:
    from django.http import HttpResponse

    from apps.accounts.models import User

NEW_TOKEN = "token"  # noqa: S105  # a place in the session


@sensitive_post_parameters("password")
@page(get=(), post=())
def me(request: AuthedRequest) -> HttpResponse:
    """Who I am here, and what I may do."""
    person = request.user
    start = {name: getattr(person, name) for name in ("first_name", "last_name", "email")}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            people.amend_profile(person_id=person.pk, **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Your account is changed.")
            return redirect("accounts:me")
    context = {
        "form": form,
        "person": person,
        "roles": [(Role(role).label, WORDS[role]) for role in sorted(person.roles())],
        "teams": Team.objects.filter(memberships__user=person).order_by("name"),
    }
    return render(request, "accounts/me.html", context, status=422 if form.errors else 200)


@never_cache
@page(get=(), post=())
def my_tokens(request: AuthedRequest) -> HttpResponse:
    """My tokens, newest first; a new one is shown once, on the page after it was made."""
    form = TokenForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and made(request, form, request.user, NEW_TOKEN):
        return redirect("accounts:tokens")
    nonce = once.take(request, NEW_TOKEN)
    found = listing(request, ApiToken.objects.filter(user=request.user), "-id")
    context = {
        "form": form,
        "plain": tokens.derive(nonce) if nonce else None,
        "tokens": found.items,
        "next_url": found.next_url,
        "now": timezone.now(),
    }
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@page(get=None, post=())
def revoke_token(request: AuthedRequest, token_id: int) -> HttpResponse:
    """End one of mine."""
    tokens.revoke(token_id=token_id, user=request.user)
    messages.success(request, "The token is revoked.")
    return redirect("accounts:tokens")


def made(request: AuthedRequest, form: TokenForm, owner: User, place: str) -> bool:
    """Make the token of a valid form, to be shown once at `place`; False: the form says why not."""
    nonce = secrets.token_urlsafe(24)
    wish = form.cleaned_data
    try:
        tokens.issue(
            user=owner,
            name=wish["name"],
            scopes=wish["scopes"],
            expires_in=timedelta(days=wish["days"]),
            actor=request.user.username,
            nonce=nonce,
        )
    except DomainError as error:
        add_domain_error(form, error)
        return False
    once.keep(request, place, nonce)
    return True

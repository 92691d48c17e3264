"""The administrator's pages of people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache

from apps.accounts import closing, inviting, mail, once, roles, tokens
from apps.accounts.forms import RolesForm, ServiceAccountForm, TokenForm
from apps.accounts.models import Invitation, User
from apps.accounts.pages import ADMINS, AuthedRequest, listing, page
from apps.accounts.people import create_person
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

from .me import made

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpResponse

STATES = {
    "active": ("Active people", Q(is_active=True, is_service=False)),
    "services": ("Service accounts", Q(is_service=True)),
    "closed": ("Closed accounts", Q(is_active=False)),
    "all": ("Everybody", Q()),
}
OPEN_SHOWN = 50
NEW_LINK = "invitation"


@never_cache
@page(get=ADMINS)
def list_people(request: AuthedRequest) -> HttpResponse:
    """Who has an account, by user name, and who is invited."""
    state = request.GET.get("state", "active")
    state = state if state in STATES else "active"
    text = request.GET.get("q", "").strip()
    found = listing(request, _matching(text).filter(STATES[state][1]), "username")
    nonce = once.take(request, NEW_LINK)
    context = {
        "people": found.items,
        "next_url": found.next_url,
        "q": text,
        "state": state,
        "states": [(code, label) for code, (label, _) in STATES.items()],
        "link": inviting.link(nonce) if nonce else None,
        "invitations": Invitation.objects.filter(used_at=None, withdrawn_at=None)
        .select_related("team", "invited_by")
        .order_by("-pk")[:OPEN_SHOWN],
        "mail_leaves": mail.server_is_set(),
        "now": timezone.now(),
    }
    return render(request, "accounts/people.html", context)


@never_cache
@page(get=ADMINS)
def show_person(request: AuthedRequest, pk: int) -> HttpResponse:
    """One account: roles, tokens, teams, state."""
    return _person_page(request, _person(pk))


@page(get=None, post=ADMINS)
def assign_roles(request: AuthedRequest, pk: int) -> HttpResponse:
    """Make the ticked roles the person's roles."""
    person = _person(pk)
    form = RolesForm(request.POST)
    if form.is_valid():
        try:
            roles.assign(
                username=person.username, roles=form.cleaned_data["roles"], actor=request.user.username
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"The roles of {person.name} are changed.")
            return redirect("accounts:person", pk)
    return _person_page(request, person, roles_form=form)


@page(get=None, post=ADMINS)
def deactivate(request: AuthedRequest, pk: int) -> HttpResponse:
    """Close an account."""
    person = closing.deactivate(person_id=pk, actor=request.user.username)
    messages.success(request, f"The account of {person.name} is closed. Its sessions and tokens have ended.")
    return redirect("accounts:person", pk)


@page(get=None, post=ADMINS)
def reactivate(request: AuthedRequest, pk: int) -> HttpResponse:
    """Open a closed account again."""
    person = closing.reactivate(person_id=pk, actor=request.user.username)
    messages.success(request, f"The account of {person.name} is open again.")
    return redirect("accounts:person", pk)


@page(get=None, post=ADMINS)
def make_token(request: AuthedRequest, pk: int) -> HttpResponse:
    """A token for a service account; people make their own."""
    person = get_object_or_404(User, pk=pk, is_service=True, is_active=True)
    form = TokenForm(request.POST)
    if form.is_valid() and made(request, form, person, _token_place(person)):
        return redirect("accounts:person", pk)
    return _person_page(request, person, token_form=form)


@page(get=None, post=ADMINS)
def revoke_token(request: AuthedRequest, pk: int, token_id: int) -> HttpResponse:
    """End a token of anybody, for instance one that leaked."""
    tokens.revoke(token_id=token_id, user=_person(pk), actor=request.user.username)
    messages.success(request, "The token is revoked.")
    return redirect("accounts:person", pk)


@page(get=ADMINS, post=ADMINS)
def new_service_account(request: AuthedRequest) -> HttpResponse:
    """An account for a program."""
    form = ServiceAccountForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            person = create_person(
                email="", is_service=True, actor=request.user.username, **form.cleaned_data
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"{person.username} is made. Make a token for it here.")
            return redirect("accounts:person", person.pk)
    return render(
        request, "accounts/service_account.html", {"form": form}, status=422 if form.errors else 200
    )


def _person_page(
    request: AuthedRequest,
    person: User,
    *,
    roles_form: RolesForm | None = None,
    token_form: TokenForm | None = None,
) -> HttpResponse:
    nonce = once.take(request, _token_place(person))
    faulty = roles_form or token_form
    found = listing(request, person.api_tokens.all(), "-id")
    context = {
        "person": person,
        "roles_form": roles_form or RolesForm(initial={"roles": sorted(person.roles())}),
        "token_form": token_form or TokenForm(),
        "faulty": faulty,
        "plain": tokens.derive(nonce) if nonce else None,
        "teams": person.memberships.select_related("team").order_by("team__name"),
        "tokens": found.items,
        "next_url": found.next_url,
        "now": timezone.now(),
    }
    return render(request, "accounts/person.html", context, status=422 if faulty else 200)


def _person(pk: int) -> User:
    return get_object_or_404(User, pk=pk)


def _token_place(person: User) -> str:
    return f"token:{person.pk}"


def _matching(text: str) -> QuerySet[User]:
    people = User.objects.prefetch_related("role_grants", "memberships__team")
    if "\x00" in text:
        return people.none()
    for word in text.split():
        people = people.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
        )
    return people

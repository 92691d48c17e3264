"""The page of notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts import mail
from apps.accounts.pages import AuthedRequest, listing, page
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

from . import services
from .forms import MailForm, muted_kinds, offered_kinds
from .models import Notice

if TYPE_CHECKING:
    from django.http import HttpResponse


@page()
def list_notices(request: AuthedRequest) -> HttpResponse:
    """Mine, the unread ones first, newest first."""
    found = listing(request, Notice.objects.filter(person=request.user), ["is_read", "-id"])
    return render(request, "notices/list.html", {"notices": found.items, "next_url": found.next_url})


@page(get=None, post=())
def open_notice(request: AuthedRequest, pk: int) -> HttpResponse:
    """Tick a notice off and go where it leads."""
    notice = services.mark_read(notice_id=pk, person=request.user)
    return redirect(notice.url or "notices:list")


@page(get=None, post=())
def mark_read(request: AuthedRequest, pk: int) -> HttpResponse:
    """Tick one off and stay."""
    services.mark_read(notice_id=pk, person=request.user)
    return redirect("notices:list")


@page(get=None, post=())
def mark_all_read(request: AuthedRequest) -> HttpResponse:
    """Tick all off."""
    count = services.mark_all_read(person=request.user)
    messages.success(request, f"{count} marked as read." if count else "Nothing was unread.")
    return redirect("notices:list")


@page(get=(), post=())
def preferences(request: AuthedRequest) -> HttpResponse:
    """Which kinds come as mail; a fragment where another page asks for it by htmx."""
    offered = offered_kinds(request.user)
    muted = muted_kinds(request.user)
    chosen = [kind for kind in offered if kind not in muted]
    form = MailForm(request.POST if request.method == "POST" else None, offered=offered, chosen=chosen)
    if request.method == "POST" and form.is_valid():
        try:
            services.choose_mail(person=request.user, wanted=form.cleaned_data["kinds"], offered=offered)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Your choice of mail is kept.")
            return redirect("notices:preferences")
    whole = not (request.htmx and request.method != "POST")
    template = "notices/preferences.html" if whole else "notices/partials/preferences.html"
    context = {"form": form, "offered": offered, "mail_leaves": mail.server_is_set()}
    return render(request, template, context, status=422 if form.errors else 200)

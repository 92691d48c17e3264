"""Pages of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import redirect, render
from django.utils import timezone

from apps.accounts.models import Role
from apps.accounts.pages import OPERATORS, AuthedRequest, listing, page
from apps.common.errors import DomainError, NotFoundError
from apps.ui.forms import add_domain_error

from . import services, wording
from .forms import ServiceForm, WindowForm
from .models import ProtectedWindow, Service, Term, Vocabulary

if TYPE_CHECKING:
    from django.http import HttpResponse

KEEPERS = frozenset({Role.ADMIN, Role.PROGRAMME_OWNER})


@page()
def vocabularies(request: AuthedRequest) -> HttpResponse:
    """Every vocabulary with its definitions; `#severity` and `#severity-SEV-1` lead to the place."""
    terms = Prefetch("terms", Term.objects.order_by("position", "id"))
    found = Vocabulary.objects.prefetch_related(terms).order_by("label")
    return render(request, "catalog/vocabularies.html", {"vocabularies": found})


@page(get=KEEPERS, post=KEEPERS)
def edit_service(request: AuthedRequest, slug: str) -> HttpResponse:
    """Name, tier and owner of a service."""
    found = Service.objects.select_related("tier", "owner")
    service = None if "\x00" in slug else found.filter(slug=slug).first()
    if service is None:
        raise NotFoundError("There is no such service.")
    form = ServiceForm(request.POST if request.method == "POST" else None, service=service)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_service(slug=slug, editor=request.user, **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("dashboards:service", slug)
    status = 422 if form.errors else 200
    return render(request, "catalog/service_form.html", {"form": form, "service": service}, status=status)


@page(post=OPERATORS)
def protected_windows(request: AuthedRequest) -> HttpResponse:
    """All protected windows, newest first; operators and administrators add one."""
    form = WindowForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            services.add_window(actor=request.user, **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Protected. No experiment begins in it, and none counts in it.")
            return redirect("catalog:windows")
    found = listing(request, ProtectedWindow.objects.visible_to(request.user).with_names(), "-id")
    context = {
        "form": form,
        "rows": [wording.window(each, now=timezone.now()) for each in found.items],
        "next_url": found.next_url,
        "may_write": request.user.has_role(*OPERATORS),
    }
    return render(request, "catalog/windows.html", context, status=422 if form.errors else 200)


@page(get=None, post=OPERATORS)
def end_window(request: AuthedRequest, pk: int) -> HttpResponse:
    """End a window before its time."""
    services.end_window(window_id=pk, actor=request.user)
    messages.success(request, "Ended. It protects nothing from now on.")
    return redirect("catalog:windows")

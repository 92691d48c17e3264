"""Pages of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import Prefetch
from django.shortcuts import redirect, render

from apps.accounts.models import Role
from apps.accounts.pages import AuthedRequest, page
from apps.common.errors import DomainError, NotFoundError
from apps.ui.forms import add_domain_error

from . import services
from .forms import ServiceForm
from .models import Service, Term, Vocabulary

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

"""Pages of this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.pages import JUDGES, AuthedRequest, listing, page
from apps.common.errors import DomainError, NotFoundError
from apps.ui.forms import add_domain_error

from . import quarantining
from .models import Quarantine

if TYPE_CHECKING:
    from django.http import HttpResponse


class ReleaseForm(forms.Form):
    reason = forms.CharField(
        label="Why may these labels be used again?",
        max_length=quarantining.MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="It stays beside the decision: what you looked at, and who was right.",
    )


@page()
def quarantines(request: AuthedRequest) -> HttpResponse:
    """Whose labels are, or were, not used, with the figures; newest first."""
    found = listing(request, Quarantine.objects.visible_to(request.user).told(), "-id")
    context = {
        "rows": found.items,
        "next_url": found.next_url,
        "may_release": request.user.has_role(*JUDGES),
    }
    return render(request, "telemetry/quarantines.html", context)


@page(get=JUDGES, post=JUDGES)
def release(request: AuthedRequest, pk: int) -> HttpResponse:
    """Release the labels of one decision, with a reason."""
    found = Quarantine.objects.visible_to(request.user).told().filter(pk=pk).first()
    if found is None:
        raise NotFoundError("There is no such quarantine.")
    form = ReleaseForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            quarantining.release(quarantine_id=pk, by=request.user, reason=form.cleaned_data["reason"])
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Released. These labels count again.")
            return redirect("telemetry:quarantines")
    status = 422 if form.errors else 200
    return render(request, "telemetry/release.html", {"form": form, "row": found}, status=status)

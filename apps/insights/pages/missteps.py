"""The page of what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, listing, page
from apps.catalog.models import Service
from apps.insights import wording
from apps.insights.models import Misstep, Signal

if TYPE_CHECKING:
    from django.http import HttpResponse


class MisstepFilter(forms.Form):
    """What the page shows; an empty field does not filter."""

    service = forms.ChoiceField(label="Service", required=False)
    kind = forms.ChoiceField(label="Signal", required=False, choices=[("", "Any"), *Signal.Kind.choices])
    why = forms.ChoiceField(label="What failed", required=False, choices=[("", "Any"), *Misstep.Why.choices])

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # as Django's form
        slugs = Service.objects.order_by("slug").values_list("slug", flat=True)
        found = self.fields["service"]
        if isinstance(found, forms.ChoiceField):
            found.choices = [("", "Any"), *((slug, slug) for slug in slugs)]


@page()
def list_missteps(request: AuthedRequest) -> HttpResponse:
    """What failed and why, newest first, narrowed by the form above it."""
    form = MisstepFilter(request.GET)
    rows = Misstep.objects.visible_to(request.user)
    rows = rows.matching(**form.cleaned_data) if form.is_valid() else rows.none()
    found = listing(request, rows.told(), "-id")
    shown = [
        (row, wording.signal(row.kind, row.signal.value), wording.scope(row.signal.revision.scope))
        for row in found.items
    ]
    context = {"rows": shown, "next_url": found.next_url, "form": form, "filtered": any(form.data.values())}
    return render(request, "insights/missteps.html", context, status=200 if form.is_valid() else 422)

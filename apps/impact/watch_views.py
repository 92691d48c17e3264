"""The panel of the prospective test: what it says now, how it went, and the looks behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, page
from apps.common.errors import NotFoundError
from apps.insights.models import Insight

from . import watch_wording

if TYPE_CHECKING:
    from django.http import HttpResponse


@page()
def watch_panel(request: AuthedRequest, pk: int) -> HttpResponse:
    """Where the daily test of an insight stands: a fragment by htmx, else a page."""
    insight = Insight.objects.visible_to(request.user).filter(pk=pk).first()
    if insight is None:
        raise NotFoundError(f"There is no insight {pk}.")
    context = {"insight": insight, "watch": watch_wording.shown(insight, reader=request.user)}
    template = "impact/partials/watch_panel.html" if request.htmx else "impact/watch.html"
    return render(request, template, context)

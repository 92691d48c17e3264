"""What release `other` is worth beside release `number`: a fragment of the comparison, or a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.pages import AuthedRequest, page
from apps.evaluation.models import Run
from apps.features import consumers
from apps.features.releases import get_release
from apps.insights import ablating, services
from apps.insights.ablating import Question
from apps.insights.models import Insight
from apps.insights.services.comparing import COMPARERS

from . import worth_wording

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse


@page(post=COMPARERS)
def worth(request: AuthedRequest, number: int, other: int) -> HttpResponse:
    """GET: the newest comparison, how far it is, or that there is none. POST: ask for one."""
    if request.method == "POST":
        services.ask_comparison(release=other, against=number, actor=request.user)
        messages.success(request, "A worker replays both releases on held-out telemetry.")
        return redirect("features:compare", number, other)
    first, second = get_release(number), get_release(other)
    subject = Question(other, number).subject
    runs = Run.objects.filter(kind=ablating.KIND, subject=subject).select_related("result")
    newest = runs.first()
    measured = runs.filter(result__isnull=False).first()
    seen = set(Insight.objects.visible_to(request.user).values_list("pk", flat=True)) if measured else set()
    context = {
        "first": first,
        "second": second,
        "same": number == other,
        "run": newest,
        "measured": measured,
        "shown": worth_wording.shown(measured.result.figures, seen)
        if measured is not None and measured.result is not None
        else None,
        "readers": _readers(number, other),
        "may_compare": request.user.has_role(*COMPARERS),
    }
    template = "insights/partials/worth.html" if request.htmx else "insights/worth.html"
    return render(request, template, context)


@dataclass
class Reader:
    """A consumer with the reads of either release by one service."""

    consumer: str
    service: str
    last_at: datetime
    first: int = 0
    second: int = 0


def _readers(number: int, other: int) -> list[Reader]:
    """Who reads either release by which service, and how often; two queries."""
    found: dict[tuple[str, str], Reader] = {}
    for release, name in ((number, "first"), (other, "second")):
        for use in consumers.all_uses(release=release):
            key = use.consumer, use.feature_service
            reader = found.setdefault(key, Reader(*key, use.last_at))
            setattr(reader, name, use.reads)
            reader.last_at = max(reader.last_at, use.last_at)
    return [found[key] for key in sorted(found)]

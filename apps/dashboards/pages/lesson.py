"""One lesson's whole way on one page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, page
from apps.dashboards import lesson, reads

if TYPE_CHECKING:
    from django.http import HttpResponse


@page()
def show_lesson(request: AuthedRequest, pk: int) -> HttpResponse:
    """The lesson of insight `pk`."""
    revision = reads.newest_revisions(request.user).filter(insight_id=pk).first()
    if revision is None:
        raise Http404(f"There is no insight {pk}.")
    found = lesson.trace(revision, request.user)
    context = {"lesson": found, "shown": lesson.drawn(found), "metrics": _metrics(found)}
    return render(request, "dashboards/lesson.html", context)


def _metrics(found: lesson.Lesson) -> dict[str, object]:
    return dict(found.incident.metrics()) if found.incident else {}

"""Home: what should I do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render
from django.utils import timezone

from apps.accounts.pages import AuthedRequest, page
from apps.dashboards import agenda
from apps.incidents.models import Incident

if TYPE_CHECKING:
    from django.http import HttpResponse

OPEN_SHOWN = 5


@page()
def home(request: AuthedRequest) -> HttpResponse:
    """Steps for this person, incidents that are open now, the loop in numbers, and a lesson to follow."""
    user = request.user
    opened = Incident.objects.visible_to(user).counted().open().exclude(state__in=["resolved", "learning"])
    context = {
        "steps": agenda.steps(user, timezone.now().date()),
        "stations": agenda.loop(user),
        "lesson": agenda.lesson_to_follow(user),
        "open_incidents": list(
            opened.select_related("service", "severity").order_by("severity__position", "-pk")[:OPEN_SHOWN]
        ),
    }
    return render(request, "dashboards/home.html", context)

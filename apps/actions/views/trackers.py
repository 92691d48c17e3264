"""Pages of administrators: trackers, their people, a test call, their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.db.models import Count, Q
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.pages import ADMINS, AuthedRequest, listing, page
from apps.actions import services
from apps.actions.forms import people
from apps.actions.models import Tracker
from apps.actions.services.tracking import live
from apps.actions.tracker_forms import PeopleForm, TrackerForm
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

if TYPE_CHECKING:
    from django.forms import Form
    from django.http import HttpResponse

PEOPLE_SHOWN = 200
DELIVERIES_SHOWN = 10
FAULTS_SHOWN = 10


@page(get=ADMINS)
def list_trackers(request: AuthedRequest) -> HttpResponse:
    """Every tracker, with how many actions have an issue there and how many wait."""
    known = Tracker.objects.filter(removed_at=None).annotate(
        linked=Count("links", filter=Q(links__removed_at=None)),
        failing=Count("links", filter=Q(links__removed_at=None, links__retry_at__isnull=False)),
    )
    found = listing(request, known, "id")
    context = {"trackers": found.items, "next_url": found.next_url}
    return render(request, "actions/trackers.html", context)


@page(get=ADMINS, post=ADMINS)
def new_tracker(request: AuthedRequest) -> HttpResponse:
    """Add one; the secret of its webhook is shown on the page that answers, and never again."""
    if request.method != "POST":
        return render(request, "actions/tracker_form.html", {"form": TrackerForm()})
    form = TrackerForm(request.POST)
    if form.is_valid():
        try:
            tracker, secret = services.add_tracker(**form.cleaned_data, actor=request.user)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            return _detail(request, tracker, secret=secret)
    return render(request, "actions/tracker_form.html", {"form": form}, status=422)


@page(get=ADMINS)
def show_tracker(request: AuthedRequest, pk: int) -> HttpResponse:
    """One tracker: where its webhook goes, what came of late, who is who."""
    return _detail(request, live(pk))


@page(get=None, post=ADMINS)
def test_tracker(request: AuthedRequest, pk: int) -> HttpResponse:
    """Send a test call."""
    found = services.try_tracker(tracker_id=pk, actor=request.user)
    messages.success(request, f"It answered: {found}.")
    return redirect("actions:tracker", pk=pk)


@page(get=None, post=ADMINS)
def tracker_people(request: AuthedRequest, pk: int) -> HttpResponse:
    """Say who our people are there."""
    tracker = live(pk)
    form = PeopleForm(request.POST, people=people()[:PEOPLE_SHOWN])
    if form.is_valid():
        try:
            services.name_people(tracker_id=pk, logins=form.logins(), actor=request.user)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("actions:tracker", pk=pk)
    return _detail(request, tracker, wrong=form)


@page(get=None, post=ADMINS)
def remove_tracker(request: AuthedRequest, pk: int) -> HttpResponse:
    """End it."""
    services.remove_tracker(tracker_id=pk, actor=request.user)
    messages.success(request, "Removed. Its token and secret are wiped; issues stay as they are.")
    return redirect("actions:trackers")


def _detail(
    request: AuthedRequest, tracker: Tracker, *, secret: str = "", wrong: Form | None = None
) -> HttpResponse:
    known = {f"login-{pk}": login for pk, login in tracker.people.values_list("person", "login")}
    form = wrong or PeopleForm(initial=known, people=people()[:PEOPLE_SHOWN])
    faults = tracker.links.filter(removed_at=None).exclude(error="").select_related("action")
    context = {
        "tracker": tracker,
        "secret": secret,
        "hook_url": settings.PUBLIC_URL + reverse("actions:tracker-hook", args=[tracker.key]),
        "form": form,
        "wrong": wrong,
        "deliveries": list(tracker.deliveries.order_by("-pk")[:DELIVERIES_SHOWN]),
        "faults": list(faults.order_by("-pk")[:FAULTS_SHOWN]),
    }
    return render(request, "actions/tracker.html", context, status=422 if wrong else 200)

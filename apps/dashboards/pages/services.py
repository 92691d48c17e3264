"""Services: a list, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Count, Exists, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404
from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, listing, page
from apps.actions.models import TO_DO, ActionItem
from apps.catalog.models import Service
from apps.catalog.views import KEEPERS
from apps.dashboards import reads
from apps.dashboards.pages import failing
from apps.features import facts, wording
from apps.features.names import SERVICE_HISTORY
from apps.incidents.models import Incident
from apps.postmortems.models import Postmortem
from apps.telemetry.models import Series

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpResponse

    from apps.features.models import FactRow

SHOWN = 8  # of each kind on a service's page; the lists have the rest
SERIES_SHOWN = 30


@page()
def list_services(request: AuthedRequest) -> HttpResponse:
    """Our services by name, each with its tier, owner and what is open; `?q=` looks in names."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    everything = request.GET.get("all") == "1"
    found = _counted()
    if query:
        found = found.filter(Q(slug__icontains=query) | Q(name__icontains=query))
    elif not everything:
        here = OuterRef("pk")
        ours = Incident.objects.counted().filter(service=here)
        found = found.filter(Exists(Series.objects.filter(service=here)) | Exists(ours))
    context = {"listing": listing(request, found, "slug"), "query": query, "everything": everything}
    return render(request, "dashboards/service_list.html", context)


def _counted() -> QuerySet[Service]:
    """Services with counts, each by a subquery of its own: joins would multiply them."""

    def count(rows: QuerySet[Any]) -> Coalesce:
        counted = rows.order_by().values("service").annotate(n=Count("pk")).values("n")
        return Coalesce(Subquery(counted), 0)

    here = OuterRef("pk")
    incidents = Incident.objects.counted().filter(service=here)
    return Service.objects.select_related("tier", "owner").annotate(
        n_open=count(incidents.open()),
        n_incidents=count(incidents),
        n_actions=count(ActionItem.objects.filter(service=here, state__in=TO_DO)),
        n_series=count(Series.objects.filter(service=here)),
    )


@page()
def show_service(request: AuthedRequest, slug: str) -> HttpResponse:
    """One service: its history as models get it, what is open, and what was learnt of it."""
    service = Service.objects.select_related("tier", "owner").filter(slug=slug).first()
    if service is None:
        raise Http404(f"There is no service {slug}.")
    user = request.user
    series = list(Series.objects.visible_to(user).filter(service=service).order_by("pk")[:SERIES_SHOWN])
    row = facts.current(SERVICE_HISTORY, service.slug)
    context = {
        "service": service,
        "may_keep": user.has_role(*KEEPERS),
        "series": series,
        "history": row,
        "facts": _facts(row),
        "failing": failing.of(service),
        "incidents": Incident.objects.visible_to(user)
        .with_times()
        .filter(service=service)
        .order_by("-occurred_at", "-pk")[:SHOWN],
        "postmortems": Postmortem.objects.visible_to(user)
        .newest()
        .with_names()
        .filter(service=service)
        .order_by("-pk")[:SHOWN],
        "insights": reads.about_service(user, service.slug, [one.pk for one in series])[:SHOWN],
        "actions": ActionItem.objects.visible_to(user)
        .to_do()
        .with_names()
        .filter(service=service)
        .order_by("due_on", "pk")[:SHOWN],
    }
    return render(request, "dashboards/service.html", context)


def _facts(row: FactRow | None) -> list[tuple[str, str]]:
    """What is known of the service, in words: (what, value), in the order of the vocabulary."""
    if row is None:
        return []
    return [
        (wording.fact_label(column), wording.value(column, row.values[column]))
        for column in wording.FACTS
        if row.values.get(column) is not None
    ]

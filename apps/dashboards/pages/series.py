"""Series: a list, and each with both arms, incidents and releases on one time axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, listing, page
from apps.analysis.profiles import SIGNAL_COLUMNS
from apps.dashboards import overlay, reads
from apps.features import wording
from apps.telemetry.models import Series

if TYPE_CHECKING:
    from django.http import HttpResponse

CALENDAR_COLUMNS = ("suppress_json", "calendar_json")
MANY = 20  # insights beside a series; the rest is a search away


@page()
def list_series(request: AuthedRequest) -> HttpResponse:
    """Every series with its service, unit and span; `?q=` looks in the ids."""
    query = request.GET.get("q", "").replace("\x00", "").strip()[:200]
    found = Series.objects.visible_to(request.user).select_related("service")
    if query:
        found = found.filter(pk__icontains=query)
    context = {"listing": listing(request, found, "id"), "query": query}
    return render(request, "dashboards/series_list.html", context)


@page()
def show_series(request: AuthedRequest, series_id: str) -> HttpResponse:
    """One series; `?span=1d|7d|28d|all` or `?from=&to=` (ISO 8601) choose what is drawn."""
    series = Series.objects.visible_to(request.user).select_related("service").filter(pk=series_id).first()
    if series is None:
        raise Http404(f"There is no series {series_id}.")
    window = overlay.window_of(
        series, request.GET.get("span", ""), request.GET.get("from", ""), request.GET.get("to", "")
    )
    shown = overlay.overlay(series, window)
    context = {
        "series": series,
        "shown": shown,
        "spans": [("1d", "Day"), ("7d", "Week"), ("28d", "4 weeks"), ("all", "All")],
        "served": _in_words(shown),
        "outcomes": overlay.outcomes(shown),
        "insights": reads.about_series(request.user, series)[:MANY],
        "most": overlay.MAX_REPLAYED,
    }
    return render(request, "dashboards/series.html", context)


def _in_words(shown: overlay.Overlay) -> list[dict[str, object]]:
    """What is served, column by column, each with the insight that it comes from."""
    if not shown.rows:
        return []
    sources = shown.rows[0].sources
    return [
        {
            "column": column,
            "words": wording.label(column),
            "value": wording.value(column, value),
            "insight": sources.get(column, {}).get("insight"),
        }
        for column in (*SIGNAL_COLUMNS, *CALENDAR_COLUMNS)
        if (value := shown.rows[0].values.get(column)) is not None and column in sources
    ]

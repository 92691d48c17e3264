"""The panel that replays a revision on the last days of its series."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, page
from apps.common.errors import InvalidInputError
from apps.insights import evidence, lately
from apps.ui.charts import Bar, Bars, bars

if TYPE_CHECKING:
    from django.http import HttpResponse

MOST_BARS = 6  # services in the chart; the table has all


@page()
def show_last_days(request: AuthedRequest, pk: int) -> HttpResponse:
    """Alerts gained and lost and pages a day, by service; a fragment of the card by htmx, else a page."""
    insight, revision = evidence.newest(pk, reader=request.user)
    served, status = evidence.was_served(revision), 200
    try:
        found = lately.last_days(revision, served=served, days=lately.days_of(request.GET.get("days", "")))
    except InvalidInputError as wrong:
        status, reason = 422, f"{wrong.detail} {wrong.remedy}"
        found = lately.LastDays(lately.USUAL_DAYS, served, reason=reason)
    context = {
        "insight": insight,
        "revision": revision,
        "last": found,
        "spans": lately.DAYS,
        "chart": _chart(found),
    }
    fragment = "insights/review/partials/last_days.html"
    template = fragment if request.htmx else "insights/review/last_days.html"
    return render(request, template, context, status=status)


def _chart(found: lately.LastDays) -> Bars | None:
    """Pages a day of the services that change most; None where nothing pages."""
    shown = found.services[:MOST_BARS]
    rows = [
        Bar(f"{service}, {arm}", rate, tone=tone)
        for service, one in shown
        for arm, rate, tone in (
            ("before", one.per_day_before, "neutral"),
            ("after", one.per_day_after, "info"),
        )
    ]
    return bars(rows, title="Pages per day by service") if any(row.value for row in rows) else None

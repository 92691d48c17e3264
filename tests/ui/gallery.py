"""All components on one page, under a URL configuration that only tests use."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path
from django.utils import timezone

from apps.ui import charts
from apps.ui.context import PLACES

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern, URLResolver

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
START_US = 1_762_300_800_000_000  # 2025-11-05
TEMPLATES = Path(__file__).parent


class ReviewForm(forms.Form):
    """One field of each kind."""

    title = forms.CharField(label="Title", max_length=20, help_text="What happened, in a few words.")
    service = forms.ChoiceField(label="Service", choices=[("", "Choose one"), ("checkout", "Checkout")])
    narrative = forms.CharField(label="Narrative", widget=forms.Textarea, required=False)
    started = forms.DateTimeField(
        label="Impact began",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In UTC.",
    )
    triggers = forms.MultipleChoiceField(
        label="Triggers",
        widget=forms.CheckboxSelectMultiple,
        choices=[(f"t{n}", name) for n, name in enumerate(("Binary push", "Configuration push", "Capacity"))],
        help_text="Everything that set it off.",
    )
    kind = forms.ChoiceField(
        label="Kind",
        widget=forms.RadioSelect,
        choices=[("incident", "Incident"), ("near_miss", "Near miss")],
        required=False,
    )
    is_drill = forms.BooleanField(label="This was a drill", required=False, help_text="Kept out of numbers.")


def week() -> charts.TimeChart:
    """A week of a service's latency, with a gap, an incident, a benign burst, alarms and two releases."""
    rng = np.random.default_rng(7)
    times = START_US + np.arange(7 * 288, dtype=np.int64) * (300 * 1_000_000)
    days = (times - START_US) / DAY_US
    values = 180 + 60 * np.sin(days * 2 * np.pi) + rng.normal(0, 12, len(times))
    values[1200:1232] += 320
    values[600:620] += 150
    values[300:340] = np.nan
    usual = 180 + 60 * np.sin(days * 2 * np.pi)
    incident = (int(times[1200]), int(times[1232]))
    return charts.time_chart(
        lines=[
            charts.Line("checkout/latency_p99", times, values, "accent"),
            charts.Line("Expected", times, usual, "neutral"),
        ],
        bands=[
            charts.Band("Checkout timeouts", *incident, "bad", "/incidents/1"),
            charts.Band("Sale", int(times[600]), int(times[620]), "info"),
        ],
        lanes=[
            charts.Lane(
                "Alarms before",
                "warn",
                [(int(times[n]), int(times[n + 3])) for n in (80, 370, 602, 660, 950, 1214, 1700)],
            ),
            charts.Lane("Alarms after", "good", [(int(times[1202]), int(times[1214]))]),
        ],
        marks=[
            charts.Mark("Release 6", int(times[500]), "neutral", "/releases/6"),
            charts.Mark("Release 7", int(times[1500]), "neutral", "/releases/7"),
        ],
        start_us=START_US,
        end_us=START_US + 7 * DAY_US,
        unit="ms",
        title="checkout/latency_p99",
    )


def effects() -> charts.Forest:
    """Effects of four insights, one of them without enough data."""
    return charts.forest(
        [
            charts.ForestRow("Learn the weekly batch", -3.2, -2.1, -1.0, "n 14 days", "/actions/1", "good"),
            charts.ForestRow("Mask the sale", -1.1, -0.3, 0.5, "n 9 days", "", "neutral"),
            charts.ForestRow("Lower the threshold", 0.4, 1.4, 2.5, "n 11 days", "", "bad"),
            charts.ForestRow("Watch the new queue", None, None, None, "too few data: n 1 day", ""),
        ],
        unit="false alarms per day",
        title="Effect of what was learnt",
    )


def gallery(request: HttpRequest) -> HttpResponse:
    """Show everything; with ?wrong the form has been sent and refused."""
    person = SimpleNamespace(
        username="ann",
        email="ann@example.org",
        name="Ann Lee",
        is_authenticated="out" not in request.GET,
        is_active=True,
        roles=["admin"],
    )
    request.user = person  # type: ignore[assignment]  # all that templates need of one
    if "wrong" in request.GET:
        form = ReviewForm({"title": "x" * 30, "narrative": "Typed, and kept."})
        messages.error(request, "Release 7 cannot be reverted: it is the first one.")
    else:
        form = ReviewForm()
        messages.success(request, "Insight 12 is approved. It is part of release 8.")
    name = "signed_out.html" if "out" in request.GET else "gallery.html"
    template = engines["django"].from_string((TEMPLATES / name).read_text())
    return HttpResponse(template.render(context(request, form, person), request))


def context(request: HttpRequest, form: forms.Form, person: Any) -> dict[str, Any]:
    now = timezone.now()
    rng = np.random.default_rng(3)
    return {
        "demo": True,
        "unread_notices": 3,
        "form": form,
        "person": person,
        "gone": SimpleNamespace(username="bo", name="bo", is_active=False),
        "chart": week(),
        "empty_chart": charts.time_chart(
            lines=[], start_us=START_US, end_us=START_US, unit="", title="payments/errors"
        ),
        "forest": effects(),
        "bars": charts.bars(
            [
                charts.Bar("Configuration push", 31, "/incidents"),
                charts.Bar("Binary push", 12),
                charts.Bar("Capacity", 4, tone="neutral", note="of 9"),
            ],
            unit="incidents",
            title="What set incidents off",
        ),
        "spark": charts.spark(rng.normal(0, 1, 60).cumsum().tolist(), label="Alarms per day"),
        "hour_ago": now - timedelta(hours=3),
        "tomorrow": now + timedelta(days=1, minutes=1),
        "states": ("approved", "in_review", "rejected", "proposed", "superseded", "overdue", "SEV-2"),
        "tabs": (
            {"label": "Waiting", "href": "?", "current": True, "count": 4},
            {"label": "Decided", "href": "?decided", "current": False, "count": 12},
        ),
        "steps": (
            {"label": "What happened", "href": "?1", "current": False, "done": True},
            {"label": "Labels", "href": "?2", "current": True, "done": False},
            {"label": "Timeline", "href": "?3", "current": False, "done": False},
        ),
        "rows": (
            ("Checkout timeouts after configuration push", "checkout", "SEV-2", "resolved"),
            ("Payment provider answered slowly", "payments", "SEV-3", "investigating"),
            ("Search index lagged behind", "search", "SEV-4", "learning"),
        ),
        "request": request,
    }


def nothing(request: HttpRequest, *args: object) -> HttpResponse:
    """Stand for every page that the frame links to."""
    return HttpResponse("<!doctype html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1>")


def _namespaces() -> list[URLPattern | URLResolver]:
    names: dict[str, list[str]] = {
        "accounts": ["me", "tokens", "people", "teams", "sign-out", "sign-in"],
        "notices": ["list"],
        "catalog": ["vocabularies"],
    }
    for place in PLACES:
        room, name = place.url_name.split(":")
        names.setdefault(room, []).append(name)
    names["dashboards"] += ["search", "series-list"]
    return [
        path(f"{room}/", include(([path(name, nothing, name=name) for name in found], room)))
        for room, found in names.items()
    ]


urlpatterns = [path("gallery", gallery), *_namespaces(), path("docs", nothing, name="api-docs")]

"""Pages of the report: all verdicts together, the power calculator, the metrics of learning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render
from django.utils import timezone

from apps.accounts.pages import AuthedRequest, listing, page
from apps.catalog.models import Service
from apps.common.errors import InvalidInputError

from . import calculator, learning, overview, reporting, saving
from .forms import PeriodForm, PowerForm
from .models import Reevaluation

if TYPE_CHECKING:
    from django.http import HttpResponse

REFUSED = 422
SERVICES = 500
DEFAULTS = {"metric": "time_to_resolve", "effect": "30", "service": ""}


@page()
def report(request: AuthedRequest) -> HttpResponse:
    """Every newest verdict, p adjusted over all of them; with ?evidence= one kind, page by page."""
    kind = request.GET.get("evidence", "")
    if kind and kind not in overview.TEXTS:
        raise Http404("There is evidence by replay and in the field.")
    context = {"kind": kind, "rate": reporting.RATE}
    if kind:
        found = listing(request, overview.shown_verdicts(kind, request.user), "-id")
        said = reporting.report()
        context["sections"] = [overview.evidence(kind, said, request.user, rows=found.items)]
        context["next_url"] = found.next_url
    else:
        context["sections"] = overview.both(request.user)
        context["waiting"] = overview.waiting()
        context["saved"] = saving.by_objective()
        context["minutes_a_page"] = saving.MINUTES_A_PAGE
        context["reevaluations"] = Reevaluation.objects.select_related("action").order_by("-quarter")[:4]
    return render(request, "impact/report.html", context)


@page()
def power(request: AuthedRequest) -> HttpResponse:
    """How many incidents or service-days until an effect shows; by htmx the answer alone."""
    form = PowerForm({name: request.GET.get(name, default) for name, default in DEFAULTS.items()})
    answer = None
    if form.is_valid():
        told = form.cleaned_data
        answer = calculator.answer(told["metric"], told["effect"], told["service"])
    context = {
        "form": form,
        "answer": answer,
        "services": Service.objects.order_by("slug").values_list("slug", flat=True)[:SERVICES],
    }
    template = "impact/partials/power_answer.html" if request.htmx else "impact/power.html"
    return render(request, template, context, status=200 if answer or request.htmx else REFUSED)


@page()
def learning_page(request: AuthedRequest) -> HttpResponse:
    """Cadence of reviews, what is done of them, and reliability by quarter."""
    form = PeriodForm(request.GET)
    metrics = None
    if form.is_valid():
        told = form.cleaned_data
        try:
            asked = learning.period(told["first"], told["last"], today=timezone.now().date())
            metrics = learning.metrics(asked)
            form = PeriodForm({"from": asked.first.isoformat(), "to": asked.last.isoformat()})
        except InvalidInputError as error:
            form.add_error("first", f"{error.detail} {error.remedy or ''}".strip())
    context = {"form": form, "metrics": metrics}
    return render(request, "impact/learning.html", context, status=200 if metrics else REFUSED)

"""The deeds of review: each a POST that leads back to the card, or shows it with what was wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts.models import AUTHORS
from apps.accounts.pages import OPERATORS, AuthedRequest, page
from apps.common.errors import DomainError, ForbiddenError, NotFoundError
from apps.insights import cards, services
from apps.insights.models import Insight
from apps.ui.forms import add_domain_error

from .review import APPROVE, CHANGES, LIFT, REJECT, REOPEN, WITHDRAW, reason_form, show_card
from .review_forms import ApproveForm, RevertForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.forms import Form
    from django.http import HttpResponse


@page(get=None, post=AUTHORS)
def approve(request: AuthedRequest, pk: int) -> HttpResponse:
    """A yes with its four marks. The second one, with an operator among the two, serves the insight."""
    form = _approve_form(request, pk)
    return _answered(request, pk, APPROVE, form, lambda: _approve(request, pk, form))


@page(get=None, post=AUTHORS)
def score(request: AuthedRequest, pk: int) -> HttpResponse:
    """Four marks without a decision: another button of the same form."""
    form = _approve_form(request, pk, only_marks=True)

    def run() -> str:
        services.score_insight(
            insight_id=pk, rater=request.user, marks=form.marks(), seen=form.cleaned_data["revision"]
        )
        return "Your marks are kept."

    return _answered(request, pk, APPROVE, form, run)


@page(get=None, post=AUTHORS)
def request_changes(request: AuthedRequest, pk: int) -> HttpResponse:
    """Send it back to its author."""
    done = "Sent back to its author, with your reason."
    return _decided(request, pk, CHANGES, services.request_changes, done)


@page(get=None, post=AUTHORS)
def reject(request: AuthedRequest, pk: int) -> HttpResponse:
    """A no to the newest revision."""
    return _decided(request, pk, REJECT, services.reject_insight, "Rejected. The author has your reason.")


@page(get=None, post=AUTHORS)
def reopen(request: AuthedRequest, pk: int) -> HttpResponse:
    """Take a no back."""
    return _decided(request, pk, REOPEN, services.reopen_insight, "Reopened: it waits for its approvals.")


@page(get=None, post=AUTHORS)
def withdraw(request: AuthedRequest, pk: int) -> HttpResponse:
    """Stop serving it, or give a proposal up."""
    form = reason_form(WITHDRAW, request.POST)

    def run() -> str:
        services.withdraw_insight(insight_id=pk, actor=request.user, reason=form.cleaned_data["reason"])
        return "Withdrawn."

    return _answered(request, pk, WITHDRAW, form, run)


@page(get=None, post=OPERATORS)
def lift_cap(request: AuthedRequest, pk: int) -> HttpResponse:
    """Let the newest revision go beyond the caps on its authors."""
    form = reason_form(LIFT, request.POST)

    def run() -> str:
        data = form.cleaned_data
        services.lift_cap(insight_id=pk, operator=request.user, reason=data["reason"], seen=data["revision"])
        return "The bound is lifted for this revision. It still needs its approvals."

    return _answered(request, pk, LIFT, form, run)


@page(get=None, post=AUTHORS)
def rerun_gate(request: AuthedRequest, pk: int) -> HttpResponse:
    """Backtest the newest revision on the telemetry and the labels of now."""
    result = services.rerun_gate(insight_id=pk, actor=request.user)
    messages.success(request, f"The gate ran again: {result.get_verdict_display().lower()}. {result.reason}")
    return redirect("insights:detail", pk)


@page(get=None, post=OPERATORS)
def revert(request: AuthedRequest, number: int) -> HttpResponse:
    """Bring the content of an earlier release back, as a new release."""
    form = RevertForm(request.POST)
    if form.is_valid():
        try:
            release = services.revert_release(
                number=number, actor=request.user, reason=form.cleaned_data["reason"]
            )
        except DomainError as error:
            if error.status == 404:  # noqa: PLR2004  # the page of what is not there
                raise
            add_domain_error(form, error)
        else:
            messages.success(request, f"Release {release.number} has the content of release {number} again.")
            return redirect("features:release", release.number)
    context = {"form": form, "number": number, "title": f"Revert to release {number}"}
    return render(request, "insights/review/revert.html", context, status=422)


def _approve_form(request: AuthedRequest, pk: int, *, only_marks: bool = False) -> ApproveForm:
    found = cards.card(cards.find(pk, reader=request.user))
    needs_override = cards.rights(found, request.user).needs_override
    return ApproveForm(
        request.POST,
        needs_override=needs_override,
        missteps=[row.pk for row in found.missteps],
        only_marks=only_marks,
        auto_id=f"id_{APPROVE}_%s",
    )


def _approve(request: AuthedRequest, pk: int, form: ApproveForm) -> str:
    data = form.cleaned_data
    insight = services.approve_insight(
        insight_id=pk,
        approver=request.user,
        seen=data["revision"],
        override_reason=data.get("override_reason", ""),
        comment=data["comment"],
        marks=form.marks(),
        missteps_read=form.read(),
    )
    if insight.state == Insight.State.APPROVED and insight.active_revision == data["revision"]:
        return "Approved, and served from now on: models read it within seconds."
    return "Approved. It needs a second person before it is served."


def _decided(
    request: AuthedRequest, pk: int, name: str, service: Callable[..., Any], done: str
) -> HttpResponse:
    form = reason_form(name, request.POST)

    def run() -> str:
        data = form.cleaned_data
        service(insight_id=pk, reviewer=request.user, reason=data["reason"], seen=data["revision"])
        return done

    return _answered(request, pk, name, form, run)


def _answered(request: AuthedRequest, pk: int, name: str, form: Form, run: Callable[[], str]) -> HttpResponse:
    """Run it and go to the card; or show the card again, with the errors and all that was typed.

    A refusal that no field explains becomes a message at the top of the card.
    """
    try:
        if name == APPROVE:
            services.check_judge(insight_id=pk, person=request.user)
        if not form.is_valid():
            return show_card(request, pk, bound={name: form}, status=422)
        done = run()
    except (NotFoundError, ForbiddenError):
        raise
    except DomainError as error:
        if error.field not in {*form.fields, "scores"}:
            messages.error(request, f"{error.detail} {error.remedy or ''}".strip())
            return redirect("insights:detail", pk)
        add_domain_error(form, error)
        return show_card(request, pk, bound={name: form}, status=422)
    messages.success(request, done)
    return redirect("insights:detail", pk)

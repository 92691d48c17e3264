"""Pages of action items: the list, one action, the forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.shortcuts import redirect, render

from apps.accounts import people
from apps.accounts.models import AUTHORS
from apps.accounts.pages import ADMINS, AuthedRequest, listing, page
from apps.actions import insights, postmortems, reads, services, wording
from apps.actions.criterion_form import CriterionForm, defaults_for, typed
from apps.actions.forms import (
    ActionForm,
    DoneForm,
    DropForm,
    FilterForm,
    ReassignForm,
    ReopenForm,
    StartForm,
    values_of,
)
from apps.actions.models import FIELD_METRICS, ActionItem, IssueLink, Metric, Tracker
from apps.actions.tracker_forms import LinkForm
from apps.common.errors import DomainError, NotFoundError
from apps.ui.forms import add_domain_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.forms import Form
    from django.http import HttpResponse

PREFILLED = ("insight", "postmortem", "service", "title", "metric", "direction")
FORMS: dict[str, type[Form]] = {
    "done": DoneForm,
    "drop": DropForm,
    "reassign": ReassignForm,
    "reopen": ReopenForm,
    "start": StartForm,
    "link": LinkForm,
    "unlink": StartForm,
    "again": StartForm,
}


@page()
def list_actions(request: AuthedRequest) -> HttpResponse:
    """Mine or everybody's: overdue first, then by due date, what was done last at the bottom."""
    form = FilterForm(request.GET)
    valid = form.is_valid()
    given = form.cleaned_data if valid else {}
    actions = reads.matching(request.user, given) if valid else ActionItem.objects.none()
    state = given.get("state", "")
    if state:
        found = listing(request, actions.filter(state=state), "-id")
    else:
        found = listing(request, actions.to_do(), ["due_on", "id"])
    rows = reads.rows(found.items)
    context = {
        "form": form,
        "state": state,
        "everybody": given.get("who") == "all" or bool(given.get("owner")),
        "rows": rows,
        "groups": [] if state else reads.grouped(rows),
        "finished": [] if state or not valid else reads.finished(actions),
        "next_url": found.next_url,
        "may_write": request.user.has_role(*AUTHORS),
        "runs_trackers": request.user.has_role(*ADMINS),
    }
    return render(request, "actions/list.html", context, status=200 if valid else 422)


@page(get=AUTHORS, post=AUTHORS)
def new_action(request: AuthedRequest) -> HttpResponse:
    """The form of a new action, filled in by what the address says."""
    if request.method != "POST":
        form = ActionForm(person=request.user, initial=_prefilled(request))
        return render(request, "actions/form.html", {"form": form})
    form = ActionForm(request.POST, person=request.user, initial=_prefilled(request))
    if form.is_valid():
        given = {name: value for name, value in form.cleaned_data.items() if name != "version"}
        try:
            action = services.open_action(**given, created_by=request.user)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(
                request, f"{action.owner.name} owns this action now; it is due on {action.due_on}."
            )
            return redirect("actions:detail", pk=action.pk)
    return render(request, "actions/form.html", {"form": form}, status=422)


@page(get=AUTHORS, post=AUTHORS)
def edit_action(request: AuthedRequest, pk: int) -> HttpResponse:
    """Change what an action says; whoever comes second is told, and keeps what was typed."""
    action = _found(request, pk)
    if request.method != "POST":
        form = ActionForm(person=request.user, action=action, initial=values_of(action))
        return render(request, "actions/form.html", {"form": form, "action": action})
    form = ActionForm(request.POST, person=request.user, action=action)
    if form.is_valid():
        given = dict(form.cleaned_data)
        seen = given.pop("version") or 0
        try:
            services.amend_action(action_id=pk, seen_version=seen, actor=request.user, **given)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("actions:detail", pk=pk)
    return render(request, "actions/form.html", {"form": form, "action": action}, status=422)


@page(get=AUTHORS)
def criterion(request: AuthedRequest) -> HttpResponse:
    """The fields that matter to the metric just chosen, and the criterion read back: a part of the form."""
    given = typed(request.GET)
    initial = defaults_for(given.get("metric", ""), given)
    form = CriterionForm(initial=initial)
    return render(request, "actions/partials/criterion.html", {"form": form})


@page()
def show_action(request: AuthedRequest, pk: int) -> HttpResponse:
    """One action: what, why, when, its history and its verdict."""
    return _detail(request, _found(request, pk))


@page(get=None, post=AUTHORS)
def start(request: AuthedRequest, pk: int) -> HttpResponse:
    """Say that work has begun."""
    return _act(request, pk, "start", services.start, "Started.")


@page(get=None, post=AUTHORS)
def done(request: AuthedRequest, pk: int) -> HttpResponse:
    """Say that it is done; its effect is measured by a worker."""
    return _act(request, pk, "done", services.mark_done, "Done. Its effect is being measured.")


@page(get=None, post=AUTHORS)
def drop(request: AuthedRequest, pk: int) -> HttpResponse:
    """Say that it will not be done, and why."""
    return _act(request, pk, "drop", services.drop_action, "Closed, with its reason on record.")


@page(get=None, post=AUTHORS)
def reassign(request: AuthedRequest, pk: int) -> HttpResponse:
    """Give it to somebody else."""
    return _act(request, pk, "reassign", services.reassign, "Handed over.")


@page(get=None, post=AUTHORS)
def reopen(request: AuthedRequest, pk: int) -> HttpResponse:
    """Take it up again."""
    return _act(request, pk, "reopen", services.reopen, "Open again.")


@page(get=None, post=AUTHORS)
def link_issue(request: AuthedRequest, pk: int) -> HttpResponse:
    """Link it to an issue of a tracker; a worker makes or reads that."""
    return _act(request, pk, "link", services.link_issue, "Linked. A worker brings both into step.")


@page(get=None, post=AUTHORS)
def unlink_issue(request: AuthedRequest, pk: int) -> HttpResponse:
    """Part it from its issue."""
    return _act(request, pk, "unlink", services.unlink_issue, "Parted. The issue stays as it is.")


@page(get=None, post=AUTHORS)
def look_again(request: AuthedRequest, pk: int) -> HttpResponse:
    """Have a worker look at its issue now."""
    return _act(request, pk, "again", services.look_again, "A worker is looking.")


def _act(
    request: AuthedRequest, pk: int, name: str, service: Callable[..., object], success: str
) -> HttpResponse:
    """One button of the detail page: what is wrong is shown on that page, at the field."""
    action = _found(request, pk)
    form = FORMS[name](request.POST, auto_id=_auto_id(name))
    if form.is_valid():
        try:
            service(action_id=pk, actor=request.user, **form.cleaned_data)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, success)
            return redirect("actions:detail", pk=pk)
    return _detail(request, _found(request, action.pk), wrong={name: form})


def _detail(request: AuthedRequest, action: ActionItem, wrong: dict[str, Form] | None = None) -> HttpResponse:
    forms = {name: form(auto_id=_auto_id(name)) for name, form in FORMS.items()} | (wrong or {})
    history = list(action.events.all())
    owners = [name for event in history for name in event.changes.get("owner", ()) if name]
    context: dict[str, Any] = {
        "action": action,
        "row": reads.rows([action])[0],
        "history": history,
        "names": people.names_of([*(event.actor for event in history), *owners]),
        "insight_title": insights.title(action.insight_id) if action.insight_id else "",
        "criterion": wording.criterion_of(action),
        "in_field": action.metric in FIELD_METRICS,
        "postmortem_title": postmortems.title(action.postmortem_id) if action.postmortem_id else "",
        "forms": forms,
        "link": IssueLink.objects.filter(action=action, removed_at=None).select_related("tracker").first(),
        "may_link": Tracker.objects.filter(removed_at=None).exists(),
        "wrong": next(iter((wrong or {}).values()), None),
        "wrong_name": next(iter(wrong or {}), ""),
        "may_write": request.user.has_role(*AUTHORS),
    }
    return render(request, "actions/detail.html", context, status=422 if wrong else 200)


def _auto_id(name: str) -> str:
    """Several forms of one page have a note: each has ids of its own."""
    return f"id_{name}_%s"


def _found(request: AuthedRequest, pk: int) -> ActionItem:
    action = ActionItem.objects.visible_to(request.user).with_names().filter(pk=pk).first()
    if action is None:
        raise NotFoundError(f"There is no action {pk}.")
    return action


def _prefilled(request: AuthedRequest) -> dict[str, Any]:
    """What the address says beforehand: ?insight= and ?postmortem= are numbers, others text."""
    given = {name: request.GET[name] for name in PREFILLED if name in request.GET}
    found: dict[str, Any] = {"owner": request.user.pk}
    for name, text in given.items():
        if name in {"insight", "postmortem"}:
            if text.isascii() and text.isdigit() and len(text) < 19:  # noqa: PLR2004  # digits of a bigint
                found[f"{name}_id"] = int(text)
        elif "\x00" not in text:
            found[name] = text
    if "insight_id" in found:
        found = {"metric": Metric.FALSE_ALARMS.value, **found}
    return {**defaults_for(found.get("metric", ""), found), **found}

"""Pages of many actions: completion against target, the list as CSV, handing over in bulk."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from apps.accounts.models import AUTHORS
from apps.accounts.pages import ADMINS, AuthedRequest, page
from apps.actions import completion, reads, services
from apps.actions.completion_forms import (
    PERCENT,
    CompletionFilterForm,
    FromForm,
    HandOverForm,
    TargetForm,
)
from apps.actions.forms import FilterForm
from apps.actions.models import ActionItem, CompletionTarget
from apps.actions.wording import criterion_of, due_in_words
from apps.common.errors import DomainError, NotFoundError
from apps.common.times import iso_us
from apps.ui import figures, plots
from apps.ui.forms import add_domain_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.http.response import HttpResponseBase

    from apps.actions.completion import Completion, Share

OFFERED = 500
TONES = {"met": "good", "missed": "bad"}
VERDICTS = {
    "met": "At target",
    "missed": "Below target",
    "undecided": "Too few to tell",
    "too_few_data": "Nothing fell due",
}
COLUMNS = (
    *("id", "title", "kind", "state", "owner", "due_on", "service", "postmortem", "insight", "criterion"),
    *("done_at", "reason", "created_at"),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@page()
def show(request: AuthedRequest) -> HttpResponse:
    """What share was done in time: by tier against its target, by month."""
    return _show(request)


@page(get=None, post=ADMINS)
def set_target(request: AuthedRequest) -> HttpResponse:
    """Set the target of a tier."""
    form = TargetForm(request.POST, auto_id="id_target_%s")
    if form.is_valid():
        try:
            services.set_target(**form.cleaned_data, actor=request.user)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The target is set.")
            return redirect("actions:completion")
    return _show(request, wrong=form)


def _show(request: AuthedRequest, wrong: TargetForm | None = None) -> HttpResponse:
    form = CompletionFilterForm(request.GET)
    valid = form.is_valid()
    found = completion.of(request.user, form.cleaned_data if valid else {})
    runs = request.user.has_role(*ADMINS)
    context = {
        "form": form,
        "found": found,
        "chart": _chart(found),
        "tiers": [
            (share, VERDICTS[share.verdict], TONES.get(share.verdict, "neutral")) for share in found.tiers
        ],
        "whole": VERDICTS[found.whole.verdict],
        "target_form": (wrong or TargetForm(auto_id="id_target_%s")) if runs else None,
        "targets": list(CompletionTarget.objects.order_by("tier")) if runs else [],
        "wrong": wrong,
    }
    return render(request, "actions/completion.html", context, status=422 if wrong or not valid else 200)


def _chart(found: Completion) -> plots.Bars | None:
    """A bar for each month, newest first, with its interval in words; none where nothing fell due."""
    if not any(share.n for share in found.months):
        return None
    return plots.bars(
        [_bar(share) for share in found.months],
        unit="per cent",
        title="Done in time, by the month in which they fell due",
    )


def _bar(share: Share) -> plots.Bar:
    if share.share is None:
        return plots.Bar(label=share.label, value=None, note="none fell due", tone="neutral")
    return plots.Bar(
        label=share.label,
        value=round(share.share * PERCENT, 1),
        note=f"{share.on_time} of {share.n}, {figures.percent(share.low)} to {figures.percent(share.high)}, "
        f"target {figures.percent(share.target)}",
        tone=TONES.get(share.verdict, "neutral"),
    )


@page()
def export(request: AuthedRequest) -> HttpResponseBase:
    """The actions that the list's filter asks for, in whatever state unless one is given, as CSV."""
    form = FilterForm(request.GET)
    if not form.is_valid():
        raise NotFoundError("There is no such list.")
    actions = reads.matching(request.user, form.cleaned_data)
    if state := form.cleaned_data.get("state"):
        actions = actions.filter(state=state)
    answer = StreamingHttpResponse(_lines(actions.order_by("pk").iterator(500)), content_type="text/csv")
    answer["Content-Disposition"] = 'attachment; filename="actions.csv"'
    return answer


class _Echo:
    """What the CSV writer writes into, to hand each line on."""

    def write(self, text: str) -> str:
        return text


def _lines(actions: Iterator[ActionItem]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for action in actions:
        yield writer.writerow([_cell(value) for value in _values(action)])


def _values(action: ActionItem) -> tuple[object, ...]:
    return (
        *(action.pk, action.title, action.kind, action.state, action.owner.username),
        *(action.due_on.isoformat(), action.service.slug if action.service else ""),
        *(action.postmortem_id, action.insight_id, criterion_of(action)),
        *(iso_us(action.done_at) if action.done_at else "", action.reason, iso_us(action.created_at)),
    )


def _cell(value: object) -> str:
    """Text that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


@page(get=AUTHORS, post=AUTHORS)
def hand_over(request: AuthedRequest) -> HttpResponse:
    """Give many actions of one person to another, for instance when somebody has left."""
    chooser = FromForm(request.GET)
    owner = chooser.cleaned_data["owner"] if chooser.is_valid() else ""
    offered = _offered(request, owner)
    context = {"chooser": chooser, "owner": owner, "offered": offered}
    if request.method != "POST":
        return render(request, "actions/hand_over.html", {**context, "form": HandOverForm(offered=offered)})
    form = HandOverForm(request.POST, offered=offered)
    if form.is_valid():
        given = form.cleaned_data
        try:
            batch, count = services.reassign_many(
                action_ids=given["actions"], owner=given["owner"], note=given["note"], actor=request.user
            )
        except DomainError as error:
            add_domain_error(form, error)
        else:
            done = {"count": count, "batch": batch, "new_owner": given["owner"]}
            return render(request, "actions/handed_over.html", done)
    return render(request, "actions/hand_over.html", {**context, "form": form}, status=422)


@page(get=None, post=AUTHORS)
def undo(request: AuthedRequest, batch: str) -> HttpResponse:
    """Give back what was handed over together."""
    back, left = services.undo_reassign(batch=batch, actor=request.user)
    rest = f" {left} changed since and stay." if left else ""
    messages.success(request, f"Undone: {back} given back.{rest}")
    return redirect("actions:list")


def _offered(request: AuthedRequest, owner: str) -> list[tuple[int, str]]:
    if not owner:
        return []
    today = timezone.now().date()
    found = ActionItem.objects.visible_to(request.user).to_do().filter(owner__username=owner)
    return [
        (action.pk, f"{action.title} ({due_in_words(action.due_on, today).lower()})")
        for action in found.order_by("due_on", "pk")[:OFFERED]
    ]

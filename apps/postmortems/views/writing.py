"""Writing a review: begin, type in steps, save, settle conflicts, preview, file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.models import AUTHORS
from apps.accounts.pages import AuthedRequest, page
from apps.common.errors import DomainError, InvalidInputError, NotFoundError
from apps.common.times import iso_us
from apps.incidents.models import Incident
from apps.postmortems import content, services, stepping
from apps.postmortems.checking import STEP_OF, by_step, check
from apps.postmortems.commands import Command
from apps.postmortems.composing import compose
from apps.postmortems.forms import rows
from apps.postmortems.merge import merge
from apps.postmortems.models import Draft, split_lines
from apps.postmortems.posted import Posted
from apps.postmortems.review import Problem, ReviewIncompleteError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from apps.postmortems.services import Saved

UNPROCESSABLE, CONFLICT = 422, 409
FILE = "file"


@page(get=AUTHORS, post=AUTHORS)
def new(request: AuthedRequest) -> HttpResponse:
    """Ask whether to begin a draft, of the incident that `?incident=` names; begun ones can be resumed."""
    number = (request.POST or request.GET).get("incident", "")
    incident = _incident(request, number) if number else None
    if request.method == "POST":
        draft = services.open_draft(author=request.user, incident_id=incident.pk if incident else None)
        return redirect("postmortems:draft", draft.pk, "what")
    drafts = Draft.objects.visible_to(request.user).open().select_related("updated_by")
    begun = drafts.filter(incident=incident) if incident else drafts.filter(author=request.user)
    context = {"incident": incident, "drafts": begun[:20]}
    return render(request, "postmortems/new.html", context)


@page(post=AUTHORS, get=None)
def amend(request: AuthedRequest, pk: int) -> HttpResponse:
    """Begin the next version of a filed one."""
    return redirect("postmortems:draft", services.open_draft(author=request.user, amends_id=pk).pk, "what")


@page(get=AUTHORS, post=AUTHORS)
def draft(request: AuthedRequest, pk: int, step: str) -> HttpResponse:
    """One step of a draft; saving it leads on."""
    if step not in content.STEPS:
        raise Http404("There is no such step.")
    found = _draft(request, pk)
    if found.filed_as_id is not None:
        messages.info(request, "This draft has been filed.")
        return redirect("postmortems:detail", found.filed_as_id)
    if request.method == "POST":
        return _file(request, found) if step == "preview" else _save(request, found, step)
    problems = stepping.problems_of(found, request.user)
    if step == "preview":
        return _preview(request, found, problems)
    return _show(request, found, step, problems if "check" in request.GET else [], every=problems)


@page(get=AUTHORS, post=AUTHORS)
def save(request: AuthedRequest, pk: int) -> HttpResponse:
    """Autosave: a step's form in, the new version out; 409 with both texts where two people collide.

    GET says which version there is, so that a waiting page can tell of somebody else's changes.
    """
    if request.method != "POST":
        return JsonResponse(_state(_draft(request, pk)))
    step = request.POST.get("step", "")
    if not content.KEYS.get(step):
        return JsonResponse({"code": "invalid_input", "field": "step", "detail": "No such step."}, status=422)
    posted = Posted(request.POST, step)
    try:
        saved = services.save_draft(
            draft_id=pk, step=step, mine=posted.mine, base=posted.base, editor=request.user
        )
    except NotFoundError:
        raise
    except DomainError as error:
        body = {"code": error.code, "field": error.field, "detail": error.detail, "remedy": error.remedy}
        return JsonResponse(body, status=error.status)
    part = content.part(saved.draft.data, step)
    state = {
        **_state(saved.draft),
        "before": saved.before.username,
        "base": part,
        "taken": [".".join(path) for path in saved.taken],
    }
    if saved.conflicts:
        clashes = [vars(clash) for clash in stepping.clashes(saved.conflicts, posted.mine)]
        return JsonResponse({**state, "code": "conflict", "conflicts": clashes}, status=CONFLICT)
    return JsonResponse(state)


@page(get=AUTHORS, post=AUTHORS)
def history(request: AuthedRequest, pk: int) -> HttpResponse:
    """Earlier states of a draft, each of which can be brought back."""
    if request.method == "POST":
        number = request.POST.get("version", "")
        wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0  # noqa: PLR2004
        found = services.restore_draft(draft_id=pk, history_id=wanted, editor=request.user)
        messages.success(request, "That version is back. The one before it is kept here too.")
        return redirect("postmortems:draft", found.pk, found.step)
    found = _draft(request, pk)
    kept = list(found.history.select_related("editor")[:100])
    for row in kept:
        row.words = sum(len(str(value).split()) for value in row.data.values())  # type: ignore[attr-defined]
    return render(request, "postmortems/draft_history.html", {"draft": found, "kept": kept})


@page(post=AUTHORS, get=None)
def discard(request: AuthedRequest, pk: int) -> HttpResponse:
    """Put a draft away."""
    services.discard_draft(draft_id=pk, editor=request.user)
    messages.success(request, "The draft is put away.")
    return redirect("postmortems:list")


def _save(request: AuthedRequest, found: Draft, step: str) -> HttpResponse:
    posted = Posted(request.POST, step)
    command = Command.of(request.POST.get("do", ""))
    mine = posted.decided()
    target = command.apply(mine, request.POST.get("pasted", "")) if command else ""
    try:
        saved = services.save_draft(
            draft_id=found.pk, step=step, mine=mine, base=posted.base, editor=request.user
        )
    except InvalidInputError as error:
        problem = Problem(_path(error, mine), error.detail)
        return _show(
            request,
            found,
            step,
            [problem],
            part=mine,
            base=posted.base,
            extra={"refused": True},
            status=UNPROCESSABLE,
        )
    if saved.conflicts:
        return _collide(request, saved, step, mine)
    if saved.taken:
        _tell_of_others(request, saved, mine)
    if command:
        return redirect(reverse("postmortems:draft", args=[found.pk, step]) + target)
    return _onward(request, saved.draft, step)


def _onward(request: AuthedRequest, found: Draft, step: str) -> HttpResponse:
    """To the step that was asked for; `next` only if this one is in order."""
    go = request.POST.get("go", "next")
    if go == "close":
        messages.success(request, "Your draft is saved.")
        return redirect("postmortems:list")
    if go in content.STEPS:
        return redirect("postmortems:draft", found.pk, go)
    problems = stepping.problems_of(found, request.user)
    here = [problem for problem in problems if STEP_OF[str(problem.path[0])] == step]
    if here:
        return _show(request, found, step, here, every=problems, status=UNPROCESSABLE)
    following = list(content.STEPS)[list(content.STEPS).index(step) + 1]
    return redirect("postmortems:draft", found.pk, following)


def _collide(request: AuthedRequest, saved: Saved, step: str, mine: Mapping[str, Any]) -> HttpResponse:
    theirs = content.part(saved.draft.data, step)
    both = merge(theirs, dict(mine), theirs).data
    clashes = stepping.clashes(saved.conflicts, mine)
    return _show(
        request, saved.draft, step, [], part=both, base=theirs, extra={"clashes": clashes}, status=CONFLICT
    )


def _tell_of_others(request: AuthedRequest, saved: Saved, mine: Mapping[str, Any]) -> None:
    names = dict.fromkeys(stepping.label(path, {**saved.draft.data, **mine}) for path in saved.taken)
    who = saved.before.username
    messages.info(request, f"{who} changed meanwhile, and it is merged in: {', '.join(names)}.")


def _show(
    request: AuthedRequest,
    found: Draft,
    step: str,
    problems: list[Problem],
    *,
    part: Mapping[str, Any] | None = None,
    base: Mapping[str, Any] | None = None,
    every: list[Problem] | None = None,
    extra: Mapping[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = content.part(found.data, step)
    here = [problem for problem in problems if STEP_OF[str(problem.path[0])] == step]
    shown = stepping.build(step, part or now, base=base or now, problems=here, reader=request.user)
    context = {
        "draft": found,
        "page": shown,
        "form_steps": stepping.places(every if every is not None else problems, step),
        "fresh": _fresh(step, now, request),
        **(extra or {}),
    }
    return render(request, f"postmortems/step_{step}.html", context, status=status)


def _fresh(step: str, part: Mapping[str, Any], request: AuthedRequest) -> dict[str, Any]:
    """An empty row of each list, which the page's script copies."""
    blank = {name: [{**content.new_row(name), "id": "newrow"}] for name in part if name in content.COLUMNS}
    if not blank:
        return {}
    full = {**part, **blank}
    if "observations" in full:
        full["observations"] = part["observations"] or blank["observations"]
    lists = stepping.build(step, full, base={}, problems=[], reader=request.user).lists
    if "observations" in blank and part["observations"]:
        lists["observations"] = rows("observations", blank["observations"])
    return {name: found[0] for name, found in lists.items()}


def _preview(
    request: AuthedRequest, found: Draft, problems: list[Problem], status: int = 200
) -> HttpResponse:
    review, _ = check(content.tidied(found.data), reader=request.user)
    context = {
        "draft": found,
        "form_steps": stepping.places(problems, "preview"),
        "messages_of_steps": [
            (content.STEPS[step], step, stepping.messages(of, found.data))
            for step, of in by_step(problems).items()
        ],
        "review": review,
        "lines": split_lines(compose(review).text),
    }
    return render(request, "postmortems/step_preview.html", context, status=status)


def _file(request: AuthedRequest, found: Draft) -> HttpResponse:
    go = request.POST.get("go", FILE)
    if go in content.STEPS:
        return redirect("postmortems:draft", found.pk, go)
    try:
        filed = services.file_draft(draft_id=found.pk, author=request.user)
    except ReviewIncompleteError:
        problems = stepping.problems_of(found, request.user)
        return _preview(request, found, problems, status=UNPROCESSABLE)
    messages.success(request, "Filed. Propose an insight from each recommendation that a detector can learn.")
    return redirect("postmortems:detail", filed.pk)


def _path(error: InvalidInputError, mine: Mapping[str, Any]) -> tuple[str | int, ...]:
    """The place of a refusal, with the id of its row."""
    parts: list[str | int] = [int(p) if p.isdigit() else p for p in (error.field or "title").split(".")]
    return stepping.named(Problem(tuple(parts), ""), mine).path


def _state(found: Draft) -> dict[str, Any]:
    return {
        "version": found.version,
        "by": found.updated_by.username,
        "saved_at": iso_us(found.updated_at),
        "state": found.state,
    }


def _draft(request: AuthedRequest, pk: int) -> Draft:
    visible = Draft.objects.visible_to(request.user).exclude(state=Draft.State.DISCARDED)
    found = visible.select_related("updated_by", "author", "amends").filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such draft.")
    return found


def _incident(request: AuthedRequest, number: str) -> Incident:
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0  # noqa: PLR2004
    found = Incident.objects.visible_to(request.user).select_related("service").filter(pk=wanted).first()
    if found is None:
        raise Http404("There is no such incident.")
    return found

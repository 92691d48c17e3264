"""The pages on which an insight is written: from a recommendation to a typed signal, with a live preview."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render

from apps.accounts.models import AUTHORS
from apps.accounts.pages import AuthedRequest, page
from apps.common.errors import DomainError
from apps.insights import access, missteps, previewing, services
from apps.insights.errors import RevisionChangedError
from apps.insights.provenance import PREFIX
from apps.postmortems.models import Postmortem, Recommendation
from apps.ui.forms import add_domain_error

from . import editor_charts, editor_signals
from .editor_forms import OUTSIDE, REVIEW, EditorForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from apps.insights.models import Insight, Misstep, Revision

MAX_KEY = 18  # digits
MAX_TITLE = 100


@page(get=AUTHORS, post=AUTHORS)
def write_insight(request: AuthedRequest) -> HttpResponse:
    """A new insight: from a recommendation, from lines of a postmortem, or from a document kept elsewhere."""
    review, initial = _origin(request)
    if request.method != "POST":
        return _show(request, _form(request, review, initial=initial), review)
    form = _form(request, review, data=_typed(request))
    if _previews(request):
        return _preview(request, form, review)
    if form.is_valid():
        try:
            insight = services.propose_insight(draft=form.draft(), author=request.user)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "Proposed. Two colleagues decide; you will be told.")
            return redirect("insights:detail", insight.pk)
    return _show(request, form, review, status=422)


@page(get=AUTHORS, post=AUTHORS)
def revise(request: AuthedRequest, pk: int) -> HttpResponse:
    """A new revision of an insight. What is served stays until the revision has its own two approvals."""
    insight = access.find_insight(pk, actor=request.user)
    newest = access.newest_revision(insight)
    review = _review(request, newest.document.removeprefix(PREFIX)) if _is_here(newest) else None
    if request.method != "POST":
        form = _form(request, review, initial=_said_before(newest))
        return _show(request, form, review, insight=insight)
    form = _form(request, review, data=_typed(request), initial={"confidence": f"{newest.confidence:g}"})
    if _previews(request):
        return _preview(request, form, review, insight=insight)
    if form.is_valid():
        try:
            services.revise_insight(
                insight_id=pk,
                draft=form.draft(),
                author=request.user,
                seen=form.cleaned_data["seen"] or 0,
            )
        except RevisionChangedError as error:
            form = _told_of_newer(request, form, error, newest, review)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(
                request, f"Revision {insight.revision + 1} is filed and waits for its reviewers."
            )
            return redirect("insights:detail", pk)
    return _show(request, form, review, insight=insight, status=422)


def _previews(request: HttpRequest) -> bool:
    return request.POST.get("do") == "preview" or "take" in request.POST


def _show(
    request: AuthedRequest,
    form: EditorForm,
    review: Postmortem | None,
    *,
    insight: Insight | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    context = {"form": form, "review": review, "insight": insight, **more}
    return render(request, "insights/editor/editor.html", context, status=status)


def _preview(
    request: AuthedRequest, form: EditorForm, review: Postmortem | None, *, insight: Insight | None = None
) -> HttpResponse:
    """The panel alone for htmx, else the whole page with it; what is not about the preview is not checked."""
    form.is_valid()
    form.only_about_signals()
    found = None
    if form.scope is not None and not form.errors:
        without = insight.pk if insight else None
        found = previewing.preview(form.scope, form.signals, request.user, without=without)
    window = str(form.data.get("window") or "")
    more = {
        "missteps": _missteps(form),
        "preview": found,
        "shown": [editor_charts.shown(one, window) for one in found.series] if found else [],
        "suggestions": [
            (one, f"{one.kind}:{json.dumps(one.value)}") for one in (found.suggestions if found else [])
        ],
    }
    if request.htmx:
        return render(request, "insights/editor/partials/preview.html", {"form": form, **more})
    return _show(request, form, review, insight=insight, status=422 if form.errors else 200, **more)


def _missteps(form: EditorForm) -> list[Misstep]:
    """What failed before of what is typed: the panel begins with it."""
    if form.scope is None or form.errors:
        return []
    return missteps.near_draft(form.scope, [(signal.kind, signal.columns) for signal in form.signals])


def _form(
    request: AuthedRequest,
    review: Postmortem | None,
    *,
    data: Mapping[str, Any] | None = None,
    initial: dict[str, Any] | None = None,
) -> EditorForm:
    service = review.service.slug if review else ""
    return EditorForm(data, initial=initial or {}, reader=request.user, service=service)


def _typed(request: HttpRequest) -> Any:
    """What was typed, with the suggestion in it that was taken."""
    data = request.POST.copy()
    for name, value in editor_signals.taken(data.get("take", "")).items():
        if isinstance(value, list):
            data.setlist(name, value)
        else:
            data[name] = "on" if value is True else "" if value is None else str(value)
    return data


def _origin(request: AuthedRequest) -> tuple[Postmortem | None, dict[str, Any]]:
    """The postmortem that the insight comes from, if one is named, and what is known before anybody types."""
    initial: dict[str, Any] = {
        "scope_kind": "series", "confidence": "0.8", "source_kind": OUTSIDE, "first_line": 1, "last_line": 1
    }  # fmt: skip
    if key := request.GET.get("recommendation"):
        found = Recommendation.objects.select_related("postmortem").filter(pk=_key(key)).first()
        if found is None:
            raise Http404("There is no such recommendation.")
        review = _review(request, str(found.postmortem_id))
        lines = {"first_line": found.first_line, "last_line": found.last_line}
        words = {"title": found.text.split("\n")[0][:MAX_TITLE], "recommendation": found.text}
        return review, initial | _of_review(review) | lines | words
    if key := request.GET.get("postmortem") or request.POST.get("postmortem"):
        review = _review(request, key)
        last = review.line_count()
        first_line, last_line = (request.GET.get(name, "") for name in ("first", "last"))
        lines = {
            "first_line": int(first_line) if first_line[:6].isdecimal() else 1,
            "last_line": int(last_line) if last_line[:6].isdecimal() else last,
        }
        return review, initial | _of_review(review) | lines
    return None, initial


def _of_review(review: Postmortem) -> dict[str, Any]:
    series = list(review.incident.series.values_list("pk", flat=True)) if review.incident else []
    return {
        "source_kind": REVIEW,
        "postmortem": review.pk,
        "scope_series": series,
        "scope_service": review.service.slug,
    }


def _review(request: AuthedRequest, key: str) -> Postmortem:
    found = Postmortem.objects.visible_to(request.user).select_related("service", "incident")
    review = found.filter(pk=_key(key)).first()
    if review is None:
        raise Http404("There is no such postmortem.")
    return review


def _key(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_KEY):
        raise Http404("Not a number.")
    return int(text)


def _is_here(revision: Revision) -> bool:
    return revision.document.startswith(PREFIX)


def _said_before(revision: Revision) -> dict[str, Any]:
    """The newest revision as the form shows it."""
    scope = revision.scope
    here = _is_here(revision)
    kind = next(name for name in ("series", "metric_family", "service", "fleet") if name in scope)
    shown: dict[str, Any] = {
        "title": revision.title,
        "recommendation": revision.recommendation,
        "scope_kind": kind,
        "scope_series": scope.get("series", []),
        "scope_service": scope.get("service", ""),
        "scope_family": scope.get("metric_family", ""),
        "confidence": f"{revision.confidence:g}",
        "expires_on": revision.expires_at.date() if revision.expires_at else None,
        "prose_reason": revision.prose_reason,
        "objectives": revision.objectives,
        "source_kind": REVIEW if here else OUTSIDE,
        "postmortem": int(revision.document.removeprefix(PREFIX)) if here else None,
        "document": "" if here else revision.document,
        "sha256": "" if here else revision.sha256,
        "excerpt": "" if here else revision.excerpt,
        "first_line": revision.first_line,
        "last_line": revision.last_line,
        "seen": revision.number,
    }
    for signal in revision.signals.all():
        shown |= editor_signals.initial(signal.kind, signal.value)
    return shown


def _told_of_newer(
    request: AuthedRequest,
    form: EditorForm,
    error: RevisionChangedError,
    newest: Revision,
    review: Postmortem | None,
) -> EditorForm:
    """The same words again, ready to be filed on top of the revision that came in between."""
    data = _typed(request)
    data["seen"] = str(newest.number)
    told = _form(request, review, data=data, initial=dict(form.initial))
    told.is_valid()
    told.add_error(
        None,
        f"{error.detail} {newest.author.name} filed revision {newest.number} meanwhile. "
        "Nothing of yours is lost: read theirs, then file again to put yours on top of it.",
    )
    return told

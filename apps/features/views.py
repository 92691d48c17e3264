"""Pages about releases: the log, one of them, two compared, who reads them. Reverting belongs to insights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.shortcuts import redirect, render
from django.utils.module_loading import import_string

from apps.accounts import people
from apps.accounts.models import Role
from apps.accounts.pages import OPERATORS, AuthedRequest, listing, page

from . import changes, consumers, pinning, publication, wording
from .forms import MAX_NUMBER, CompareForm, RevertForm
from .models import CONSUMER_LENGTH, FeatureUse, Pin, Release
from .names import pinned_service
from .releases import get_release

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.http import HttpResponse

    from apps.accounts.models import User

PINNERS = frozenset({Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.ADMIN})
MAX_SERIES = 100  # shown of a release or a comparison at a time


@page()
def list_releases(request: AuthedRequest) -> HttpResponse:
    """All releases, newest first."""
    found = listing(request, Release.objects.select_related("pin"), "-number")
    numbers = [release.number for release in found.items]
    summaries, readers = changes.summaries(numbers), consumers.of_releases(numbers)
    active = _active()
    lines = [
        {
            "release": release,
            "kind": wording.kind(release.kind),
            "summary": summaries[release.number],
            "readers": readers.get(release.number),
            "is_active": release.number == active,
            "is_pinned": _is_pinned(release),
            "delay": _delay(release),
        }
        for release in found.items
    ]
    newest = numbers[0] if numbers else None
    context = {
        "lines": lines,
        "next_url": found.next_url,
        "active": active,
        "form": CompareForm(initial={"first": active and max(active - 1, 1), "second": active}),
        "newest": newest,
        "names": people.names_of(release.author for release in found.items),
    }
    return render(request, "features/releases.html", context)


@page()
def show_release(request: AuthedRequest, number: int) -> HttpResponse:
    """One release: what it changed, why, what it rests on, and who reads it."""
    release = get_release(number)
    newest = Release.objects.select_related("parent").latest("number")
    series = changes.of_release(number)
    uses = list(consumers.all_uses(release=number).order_by("-last_at", "pk"))
    can_revert = request.user.has_role(*OPERATORS)
    context = {
        "release": release,
        "kind": wording.kind(release.kind),
        "delay": _delay(release),
        "is_active": number == _active(),
        "pin": Pin.objects.filter(release=release).first(),
        "is_pinned": _is_pinned(release),
        "service": pinned_service(number),
        "insights": _named(
            changes.of_insights(changes.parent_manifest(release), release.manifest), request.user
        ),
        "readers": consumers.readers(uses),
        "may_pin": request.user.has_role(*PINNERS),
        "may_revert": can_revert,
        "is_newest_content": newest.digest == release.digest,
        "newest": newest.number,
        "names": people.names_of([release.author]),
        **_part(request, series),
    }
    if can_revert and not context["is_newest_content"]:
        coming_back = changes.of_revert(number)
        context["revert"] = {
            "form": RevertForm(),
            "series": coming_back[:MAX_SERIES],
            "total": len(coming_back),
            "insights": _named(
                changes.of_insights(newest.manifest, release.manifest, everything=False), request.user
            ),
        }
    return render(request, "features/release.html", context)


@page()
def compare_releases(request: AuthedRequest, number: int, other: int) -> HttpResponse:
    """Two releases side by side; a form on the page picks two others."""
    first, second = get_release(number), get_release(other)
    form = CompareForm(initial={"first": number, "second": other})
    if "first" in request.GET or "second" in request.GET:
        form = CompareForm(request.GET)
        if form.is_valid():
            return redirect("features:compare", form.cleaned_data["first"], form.cleaned_data["second"])
    everything = request.GET.get("show") == "all"
    series = changes.between(number, other, everything=everything)
    context = {
        "first": first,
        "second": second,
        "form": form,
        "everything": everything,
        "insights": _named(
            changes.of_insights(first.manifest, second.manifest, everything=everything), request.user
        ),
        "changed": sum(found.what != changes.SAME for found in series),
        **_part(request, series),
    }
    return render(request, "features/compare.html", context, status=422 if form.errors else 200)


@page()
def list_consumers(request: AuthedRequest) -> HttpResponse:
    """Who reads which service at which release; by consumer or release every row of it."""
    consumer = request.GET.get("consumer", "")[:CONSUMER_LENGTH].replace("\x00", "")
    release = _number(request.GET.get("release", ""))
    is_filtered = bool(consumer) or release is not None
    uses = consumers.all_uses(consumer=consumer, release=release) if is_filtered else consumers.newest_uses()
    found = listing(request, uses, ["-last_at", "-pk"])
    context = {
        "readers": consumers.readers(found.items),
        "next_url": found.next_url,
        "consumer": consumer,
        "release": release,
        "is_filtered": is_filtered,
        "active": _active(),
        "has_any": bool(found.items) or FeatureUse.objects.exists(),
    }
    return render(request, "features/consumers.html", context)


@page(get=None, post=PINNERS)
def pin_release(request: AuthedRequest, number: int) -> HttpResponse:
    """Keep a release readable."""
    pin = pinning.pin(number=number, author=request.user.username)
    messages.success(request, f"Release {number} stays readable as {pinning.service_name(pin)}.")
    return redirect("features:release", number)


@page(get=None, post=PINNERS)
def unpin_release(request: AuthedRequest, number: int) -> HttpResponse:
    """Let a pinned release go."""
    pin = pinning.unpin(number=number, author=request.user.username)
    messages.success(request, f"{pinning.service_name(pin)} cannot be read any more.")
    return redirect("features:release", number)


def _active() -> int | None:
    pointer = publication.pointer()
    return pointer.release_id if pointer else None


def _is_pinned(release: Release) -> bool:
    pin = getattr(release, "pin", None)
    return pin is not None and pin.state == Pin.State.PINNED


def _delay(release: Release) -> float | None:
    """Seconds from known to served; None while it is not served."""
    return (release.served_at - release.known_at).total_seconds() if release.served_at else None


def _part(request: AuthedRequest, series: Sequence[changes.SeriesChange]) -> dict[str, Any]:
    """The series after `?after=`, as many as fit a page, and where the rest is."""
    after = request.GET.get("after", "")
    rest = [found for found in series if found.series > after]
    more = len(rest) > MAX_SERIES
    return {
        "series": rest[:MAX_SERIES],
        "total": len(series),
        "next_after": rest[MAX_SERIES - 1].series if more else None,
    }


def _named(insights: Sequence[changes.InsightChange], user: User) -> list[Mapping[str, Any]]:
    """Insights with the titles that this reader may see; one query."""
    titles = dict(import_string(f"{settings.INSIGHT_DIRECTORY}.choices")(user)) if insights else {}
    return [{"change": change, "title": titles.get(change.insight, "")} for change in insights]


def _number(text: str) -> int | None:
    """A release's number, None for anything else."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(MAX_NUMBER))
    return min(int(text), MAX_NUMBER) if digits else None

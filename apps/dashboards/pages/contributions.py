"""What came of a person's lessons."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import render

from apps.accounts.models import User
from apps.accounts.pages import AuthedRequest, listing, page
from apps.dashboards import contributions

if TYPE_CHECKING:
    from django.http import HttpResponse


@page()
def mine(request: AuthedRequest) -> HttpResponse:
    """The reader's own."""
    return _shown(request, request.user)


@page()
def of_person(request: AuthedRequest, username: str) -> HttpResponse:
    """A colleague's: who taught the detectors what is no secret among colleagues."""
    author = User.objects.filter(username=username, is_service=False).first()
    if author is None:
        raise Http404(f"There is nobody called {username}.")
    return _shown(request, author)


def _shown(request: AuthedRequest, author: User) -> HttpResponse:
    found = listing(request, contributions.authored(author, request.user), "-insight_id")
    said = contributions.report()
    context = {
        "author": author,
        "own": author == request.user,
        "rows": contributions.told(found.items, request.user, said),
        "next_url": found.next_url,
        "totals": contributions.totals(author, request.user, said),
        "verified": contributions.verified(request.user, said),
    }
    return render(request, "dashboards/contributions.html", context)

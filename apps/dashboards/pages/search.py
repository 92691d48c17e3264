"""The page behind the search box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import render

from apps.accounts.pages import AuthedRequest, page
from apps.dashboards import finding

if TYPE_CHECKING:
    from django.http import HttpResponse


@page()
def search(request: AuthedRequest) -> HttpResponse:
    """`?q=`: words of a title."""
    query = finding.clean(request.GET.get("q", ""))
    return render(
        request, "dashboards/search.html", {"query": query, "groups": finding.find(query, request.user)}
    )

"""The pages of this room: everybody signed in reads them."""

from __future__ import annotations

from tests.classified import Page

PAGES = {
    "": Page(),
    "search": Page(),
    "contributions": Page(),
    "contributions/<str:username>": Page(),
    "lessons/<int:pk>": Page(),
    "series": Page(),
    "series/<series_id:series_id>": Page(),
    "services": Page(),
    "services/<str:slug>": Page(),
}

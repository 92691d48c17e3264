"""Who may open the editor, for the test of all routes."""

from __future__ import annotations

from tests.classified import AUTHORS, Page

EDITOR_PAGES = {
    "insights/new": Page(get=AUTHORS, post=AUTHORS),
    "insights/<int:pk>/revise": Page(get=AUTHORS, post=AUTHORS),
}

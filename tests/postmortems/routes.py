"""Who may open the pages of postmortems."""

from __future__ import annotations

from tests.classified import ANYBODY, AUTHORS, Page

WRITING = Page(get=AUTHORS, post=AUTHORS)
PAGES = {
    "postmortems": Page(get=ANYBODY),
    "postmortems/new": WRITING,
    "postmortems/drafts/<int:pk>/save": WRITING,
    "postmortems/drafts/<int:pk>/history": WRITING,
    "postmortems/drafts/<int:pk>/discard": Page(get=None, post=AUTHORS),
    "postmortems/drafts/<int:pk>/<str:step>": WRITING,
    "postmortems/<int:pk>": Page(get=ANYBODY),
    "postmortems/<int:pk>/amend": Page(get=None, post=AUTHORS),
    "incidents/<int:pk>/postmortems": Page(get=ANYBODY),
}

from __future__ import annotations

from django.urls import path

from .views import reading, writing

app_name = "postmortems"
urlpatterns = [
    path("postmortems", reading.list_postmortems, name="list"),
    path("postmortems/new", writing.new, name="new"),
    path("postmortems/drafts/<int:pk>/save", writing.save, name="draft-save"),
    path("postmortems/drafts/<int:pk>/history", writing.history, name="draft-history"),
    path("postmortems/drafts/<int:pk>/discard", writing.discard, name="draft-discard"),
    path("postmortems/drafts/<int:pk>/<str:step>", writing.draft, name="draft"),
    path("postmortems/<int:pk>", reading.show, name="detail"),
    path("postmortems/<int:pk>/amend", writing.amend, name="amend"),
    path("incidents/<int:pk>/postmortems", reading.incident_panel, name="incident-panel"),
]

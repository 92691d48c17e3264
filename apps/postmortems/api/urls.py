from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("postmortems", views.PostmortemsView.as_view(), name="postmortem-list"),
    path("postmortems/<int:postmortem_id>", views.PostmortemView.as_view(), name="postmortem-detail"),
]

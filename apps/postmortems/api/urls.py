from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("postmortems", views.PostmortemList.as_view(), name="postmortem-list"),
    path("postmortems/<int:pk>", views.PostmortemDetail.as_view(), name="postmortem-detail"),
]

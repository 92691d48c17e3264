from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("notices", views.NoticesView.as_view(), name="notices"),
    path("notices/<int:notice_id>/read", views.ReadView.as_view(), name="notice-read"),
]

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("actions/<int:pk>/verdicts", views.VerdictsView.as_view(), name="action-verdicts"),
]

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("actions", views.ActionsView.as_view(), name="action-list"),
    path("actions/<int:pk>", views.ActionView.as_view(), name="action-detail"),
    path("actions/<int:pk>/done", views.DoneView.as_view(), name="action-done"),
]

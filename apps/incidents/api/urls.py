from __future__ import annotations

from django.urls import path

from . import attempts, views

urlpatterns = [
    path("incidents", views.IncidentsView.as_view(), name="incident-list"),
    path("incidents/<int:pk>", views.IncidentDetailView.as_view(), name="incident-detail"),
    path("incidents/<int:pk>/state", views.IncidentStateView.as_view(), name="incident-state"),
    path(
        "incidents/<int:pk>/remediations", attempts.RemediationsView.as_view(), name="incident-remediations"
    ),
]

from __future__ import annotations

from django.urls import path

from . import views

app_name = "incidents"
urlpatterns = [
    path("incidents", views.list_incidents, name="list"),
    path("incidents/new", views.new_incident, name="new"),
    path("incidents/series", views.series_choices, name="series-choices"),
    path("incidents/<int:pk>", views.show_incident, name="detail"),
    path("incidents/<int:pk>/edit", views.edit_incident, name="edit"),
    path("incidents/<int:pk>/state", views.move_incident, name="state"),
]

from __future__ import annotations

from django.urls import path

from . import views

app_name = "catalog"
urlpatterns = [
    path("vocabularies", views.vocabularies, name="vocabularies"),
    path("services/<str:slug>/edit", views.edit_service, name="service-edit"),
    path("protected-windows", views.protected_windows, name="windows"),
    path("protected-windows/<int:pk>/end", views.end_window, name="window-end"),
]

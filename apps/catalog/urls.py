from __future__ import annotations

from django.urls import path

from . import views

app_name = "catalog"
urlpatterns = [
    path("vocabularies", views.vocabularies, name="vocabularies"),
    path("services/<str:slug>/edit", views.edit_service, name="service-edit"),
]

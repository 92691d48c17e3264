from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("services", views.ServicesView.as_view(), name="services"),
    path("vocabularies", views.VocabulariesView.as_view(), name="vocabularies"),
]

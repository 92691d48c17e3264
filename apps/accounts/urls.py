from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [path("setup/<str:token>", views.setup, name="setup")]

from __future__ import annotations

from django.urls import path

from .views.setup import setup

urlpatterns = [path("setup/<str:token>", setup, name="setup")]

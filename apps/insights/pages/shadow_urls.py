"""Addresses of the life cycle and of shadow runs."""

from __future__ import annotations

from django.urls import path

from . import shadow

urlpatterns = [
    path("insights/<int:pk>/life-cycle", shadow.life_cycle, name="life-cycle"),
    path("insights/<int:pk>/shadow", shadow.show_shadow, name="shadow"),
    path("insights/<int:pk>/shadow/start", shadow.start_shadow, name="shadow-start"),
    path("insights/<int:pk>/shadow/stop", shadow.stop_shadow, name="shadow-stop"),
]

from __future__ import annotations

from django.urls import path

from . import pages

app_name = "telemetry"
urlpatterns = [
    path("labels/quarantine", pages.quarantines, name="quarantines"),
    path("labels/quarantine/<int:pk>/release", pages.release, name="quarantine-release"),
]

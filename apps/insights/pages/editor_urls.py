"""Routes of the editor."""

from __future__ import annotations

from django.urls import path

from . import editor

urlpatterns = [
    path("insights/new", editor.write_insight, name="new"),
    path("insights/<int:pk>/revise", editor.revise, name="revise"),
]

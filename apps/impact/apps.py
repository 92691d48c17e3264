from __future__ import annotations

from django.apps import AppConfig


class ImpactConfig(AppConfig):
    name = "apps.impact"
    default_auto_field = "django.db.models.BigAutoField"

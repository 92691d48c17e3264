from __future__ import annotations

from django.apps import AppConfig


class FeaturesConfig(AppConfig):
    name = "apps.features"
    default_auto_field = "django.db.models.BigAutoField"

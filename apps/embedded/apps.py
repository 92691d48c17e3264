from __future__ import annotations

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "apps.embedded"
    default_auto_field = "django.db.models.BigAutoField"

from __future__ import annotations

from django.apps import AppConfig


class EmbeddedConfig(AppConfig):
    name = "apps.embedded"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name this room's health check."""
        from apps.common import health  # noqa: PLC0415  # the apps must be loaded

        from . import broker  # noqa: PLC0415

        health.register("broker", broker.check)

from __future__ import annotations

from django.apps import AppConfig


class CommonConfig(AppConfig):
    name = "apps.common"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name this room's health check."""
        from . import health  # noqa: PLC0415  # it needs the apps to be loaded

        health.register("database", health.database)

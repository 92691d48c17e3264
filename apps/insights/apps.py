from __future__ import annotations

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "apps.insights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the kinds of notices that this room sends."""
        from apps.notices import kinds  # noqa: PLC0415  # the apps must be loaded

        from . import telling  # noqa: PLC0415

        for kind, label in telling.KINDS.items():
            kinds.register(kind, label)

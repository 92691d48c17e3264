from __future__ import annotations

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    name = "apps.insights"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the kinds of notices that this room sends, and who compares releases."""
        from apps.audit import outbox  # noqa: PLC0415  # the apps must be loaded
        from apps.notices import kinds  # noqa: PLC0415

        from . import telling  # noqa: PLC0415

        for kind, label in telling.KINDS.items():
            kinds.register(kind, label)
        outbox.register("insights.ablate", "apps.insights.services.comparing.perform")

from __future__ import annotations

from django.apps import AppConfig


class TelemetryConfig(AppConfig):
    name = "apps.telemetry"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the handler of this room's outbox entries."""
        from apps.audit import outbox  # noqa: PLC0415  # the apps must be loaded

        outbox.register("telemetry.tell_labels", "apps.telemetry.outcomes.tell_all")

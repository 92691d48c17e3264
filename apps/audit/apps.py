from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "apps.audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.common import health  # noqa: PLC0415  # models are not there before this

        from . import heartbeat  # noqa: PLC0415

        health.register("worker", heartbeat.check)

from __future__ import annotations

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "apps.demo"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.audit import outbox  # noqa: PLC0415  # models are not ready when this module is imported

        outbox.register("demo.detect", "apps.demo.detecting.detect")

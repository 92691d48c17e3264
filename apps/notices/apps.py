from __future__ import annotations

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    name = "apps.notices"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from apps.audit import outbox  # noqa: PLC0415  # models are not there before this

        outbox.register("notices.mail", "apps.notices.mailing.send")

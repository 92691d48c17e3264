from __future__ import annotations

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "apps.actions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the kinds of notices that this room sends."""
        from apps.notices import kinds  # noqa: PLC0415  # the apps must be loaded

        from . import reminders  # noqa: PLC0415

        for kind, label in reminders.KINDS.items():
            kinds.register(kind, label)

from __future__ import annotations

from django.apps import AppConfig


class ActionsConfig(AppConfig):
    name = "apps.actions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the kinds of notices that this room sends, and the handlers of its outbox entries."""
        from apps.audit import outbox  # noqa: PLC0415  # the apps must be loaded
        from apps.notices import kinds  # noqa: PLC0415  # the apps must be loaded

        from . import reminders  # noqa: PLC0415

        for kind, label in reminders.KINDS.items():
            kinds.register(kind, label)
        outbox.register("actions.sync_issue", "apps.actions.trackers.pushing.sync")
        outbox.register("actions.comment", "apps.actions.trackers.waiting.comment")

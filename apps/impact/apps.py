from __future__ import annotations

from django.apps import AppConfig


class ImpactConfig(AppConfig):
    name = "apps.impact"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the handler of finished actions, and the notice of a verdict."""
        from apps.audit import outbox  # noqa: PLC0415  # models are not there before this
        from apps.notices import kinds  # noqa: PLC0415

        outbox.register("impact.judge_action", "apps.impact.services.judge_action")
        kinds.register("impact.verdict", "An action of mine, or on an insight of mine, was measured")

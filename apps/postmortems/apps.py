from __future__ import annotations

from django.apps import AppConfig


class PostmortemsConfig(AppConfig):
    name = "apps.postmortems"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the handlers of this room's outbox entries."""
        from apps.audit import outbox  # noqa: PLC0415  # the apps must be loaded

        outbox.register("postmortems.priors", "apps.postmortems.priors.refresh")
        outbox.register("incidents.changed", "apps.postmortems.facts.incident_changed")

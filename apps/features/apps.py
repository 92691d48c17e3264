from __future__ import annotations

from django.apps import AppConfig


class FeaturesConfig(AppConfig):
    name = "apps.features"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the handlers of this room's outbox entries and its health check; Feast itself stays
        unloaded."""
        from apps.audit import outbox
        from apps.common import health

        from . import facts, pinning, releases, store

        outbox.register(releases.PUBLISH_KIND, "apps.features.publication.publish")
        outbox.register(pinning.PIN_KIND, "apps.features.pinning.converge")
        outbox.register(facts.FACTS_KIND, "apps.features.facts.take")
        outbox.register(facts.PUBLISH_KIND, "apps.features.fact_publication.publish")
        health.register("feast", store.health)

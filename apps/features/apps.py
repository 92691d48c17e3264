from __future__ import annotations

from importlib.util import find_spec

from django.apps import AppConfig


class FeaturesConfig(AppConfig):
    name = "apps.features"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Name the handlers of this room's outbox entries and its health check; Feast itself stays
        unloaded."""
        from apps.audit import outbox

        outbox.register("features.publish", "apps.features.publication.publish")
        outbox.register("features.pin", "apps.features.pinning.converge")
        if find_spec("apps.common.health"):
            from apps.common import health

            from . import store

            health.register("feast", store.health)

from __future__ import annotations

from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "apps.evaluation"
    default_auto_field = "django.db.models.BigAutoField"

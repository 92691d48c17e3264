"""One row says that this installation is a demo."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DemoInstallation(models.Model):
    """There is one while the demo is loaded: its people can be signed in as with one click."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    loaded_at = models.DateTimeField(db_default=Now())
    told = models.BooleanField(default=False)  # the story is in the database, not only its people

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="demo_installation_single", condition=Q(id=1))]

    def __str__(self) -> str:
        return f"demo since {self.loaded_at:%Y-%m-%d %H:%M}"

"""Reads of incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from .codes import ENDED, VOID, Kind, Origin

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from .models import Incident  # noqa: F401


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Everybody who is signed in reads every incident; sharing scopes come with the privacy room."""
        return self.all() if user.is_authenticated else self.none()

    def with_times(self) -> Self:
        """With service, severity and times loaded, whatever the number of rows: two queries."""
        return self.select_related("service", "severity", "declared_by").prefetch_related("times")

    def open(self) -> Self:
        """Those that still ask for somebody's work."""
        return self.exclude(state__in=ENDED)

    def ended(self) -> Self:
        return self.filter(state__in=ENDED)

    def counted(self) -> Self:
        """Our own real incidents: no near miss, no drill, no hold-out, nothing declined, canceled or merged.

        What rates, history and features are computed from.
        """
        return self.filter(origin=Origin.OWN, kind=Kind.INCIDENT, is_drill=False, is_holdout=False).exclude(
            state__in=VOID
        )

    def search(self, text: str) -> Self:
        """Those whose title, summary or service holds all the words; by number with `#`."""
        found = self
        for word in text.split():
            here = Q(title__icontains=word) | Q(summary__icontains=word) | Q(service__slug__icontains=word)
            number = word.removeprefix("#")
            if number.isascii() and number.isdigit() and len(number) < 19:  # noqa: PLR2004  # a bigint's digits
                here |= Q(pk=int(number))
            found = found.filter(here)
        return found

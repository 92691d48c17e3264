"""Who may feed what detectors see and report: these people, and service accounts by their scope."""

from __future__ import annotations

from apps.accounts.models import Role

FEEDERS = frozenset({Role.RESPONDER, Role.OPERATOR, Role.ADMIN})

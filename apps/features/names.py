"""Names that clients use: services, views and the join key."""

from __future__ import annotations

import re

ENTITY = "series"
JOIN_KEY = "series"
ACTIVE_VIEW = "detection_profile"
ACTIVE_SERVICE = "detection"
SERVICE_HISTORY = "service_history"  # view and feature service; its entity and join key:
SERVICE = "service"
FAILURE_MODE_PRIOR = "failure_mode_prior"  # of a service as well
REMEDIATION_PRIOR = "remediation_prior"  # of a failure mode and a tier:
FAILURE_MODE = "failure_mode"
SERVICE_TIER = "service_tier"
INCIDENT_LABEL = "incident_label"  # of a series; for training only

_PINNED_VIEW = re.compile(rf"{ACTIVE_VIEW}__r([1-9][0-9]{{0,8}})")
_PINNED_SERVICE = re.compile(rf"{ACTIVE_SERVICE}__r([1-9][0-9]{{0,8}})")


def pinned_view(release: int) -> str:
    """`detection_profile__r17`."""
    return f"{ACTIVE_VIEW}__r{release}"


def pinned_service(release: int) -> str:
    """`detection__r17`."""
    return f"{ACTIVE_SERVICE}__r{release}"


def release_of_view(name: str) -> int | None:
    """The release that a view's name pins, None for any other name."""
    found = _PINNED_VIEW.fullmatch(name)
    return int(found[1]) if found else None


def release_of_service(name: str) -> int | None:
    """The release that a service's name pins, None for any other name."""
    found = _PINNED_SERVICE.fullmatch(name)
    return int(found[1]) if found else None

"""Verdicts for rooms below, which reach this module by the name in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .models import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection


def outcomes(action_ids: Collection[int]) -> dict[int, tuple[str, str]]:
    """(code, words) of the newest verdict of each action that has one; one query."""
    found = Verdict.objects.filter(action__in=action_ids).newest()
    return {verdict.action_id: (str(verdict.verdict), verdict.get_verdict_display()) for verdict in found}

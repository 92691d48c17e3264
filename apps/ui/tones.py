"""Which of five tones a code of the product has: colour repeats what the words beside it say."""

from __future__ import annotations

from typing import Final

TONES: Final = ("good", "warn", "bad", "info", "neutral")

_CODES: Final[dict[str, str]] = {
    "good": """
        good success ok passed pass approved active published resolved done verified improved recorded served
        captured caught delivered up better on_time low
    """,
    "warn": """
        warn warning in_review changes_requested triage identified pending open_overdue due_soon deprecated
        staged sev_3 medium needs_attention missed_before reassign unscored conditional
    """,
    "bad": """
        bad error critical investigating rejected worse overdue failed fail refused invalid dead missed
        blocked sev_0 sev_1 sev_2 high lost false_alarm
    """,
    "info": """
        info proposed in_progress mitigated learning near_miss sev_4 open running claimed new draft_saved
        accent queued shadow
    """,
}
_TONE_OF: Final = {code: tone for tone, codes in _CODES.items() for code in codes.split()}


def tone_of(code: object) -> str:
    """`SEV-1` and `sev_1` are one code; a code that is not known here is neutral."""
    return _TONE_OF.get(str(code).strip().lower().replace("-", "_").replace(" ", "_"), "neutral")

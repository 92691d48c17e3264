"""Columns, values and kinds of release in words, for people who have never seen the schema."""

from __future__ import annotations

import json
from typing import Any

from apps.analysis.profiles import DEFAULT_SETTING
from apps.ui import figures

from .names import release_of_service

DEFAULT = "default"
NOTHING = "–"  # noqa: RUF001  # a dash, as in `figures`
MAX_TEXT = 160
_LONG = 1e15  # whole numbers from here on are written with an exponent

COLUMNS = {
    "direction": "alarm direction",
    "theta_log2": "alarm threshold",
    "min_rel": "smallest change, relative",
    "min_abs": "smallest change, absolute",
    "persist_k": "samples needed for an alarm",
    "persist_n": "samples looked at for an alarm",
    "baseline": "compared with",
    "hard_lo": "hard lower limit",
    "hard_hi": "hard upper limit",
    "suppress_json": "quiet times",
    "calendar_json": "calendar exceptions",
    "signature_json": "signature",
    "precursor_json": "precursors",
    "correlation_json": "correlated series",
    "expires_at": "expires",
    "n_incidents": "incidents learnt from",
    "n_benign": "harmless bursts learnt from",
    "peak_min_log": "smallest peak of an incident (log)",
    "peak_med_log": "median peak of incidents (log)",
    "dur_med_s": "median length of incidents (s)",
    "dir_mean": "mean direction of incidents",
    "benign_peak_q90_log": "peak of nine in ten harmless bursts (log)",
    "benign_same_hour": "share of harmless bursts at the same hour",
    "precision_past": "share of past alarms that were right",
    "confidence": "confidence",
}
FACTS = {
    "n_incidents": "incidents, all",
    "incidents_7d": "incidents, last 7 days",
    "incidents_30d": "incidents, last 30 days",
    "incidents_90d": "incidents, last 90 days",
    "last_incident_at_iso": "last incident",
    "repeat_share": "repeats of an earlier failure",
    "human_detected_share": "noticed by people first",
    "change_induced_share": "caused by a change",
    "n_reviews": "reviews counted",
    "open_actions": "open actions",
    "risk_next_7d": "chance of an incident in 7 days",
    "prior_weight": "reviews that the fleet counts as",
    "top_mode": "likeliest failure mode",
    "top_chance": "its chance",
    "modes_json": "failure modes",
    "top_remediation": "remediation tried most",
    "top_attempted": "incidents in which it was tried",
    "top_succeeded": "incidents that it ended for good",
    "top_success_share": "share of those",
    "top_median_s": "median time to it (s)",
    "remediations_json": "remediations",
    "symptoms_json": "what was seen first",
    "n_benign": "intervals without harm",
    "intervals_json": "labelled intervals",
    "complete_since_iso": "complete since",
}
# What a feature service tells, for people who read its name on a page.
SERVICES = {
    "detection": "what incidents taught of a series, the active release",
    "service_history": "incidents, reviews and open actions of a service",
    "failure_mode_prior": "how a service is likely to fail",
    "remediation_prior": "what ends a failure, how often and how soon",
    "incident_label": "what alarms turned out to be, for training only",
}
KINDS = {
    "approve": "Approval",
    "revise": "Revision",
    "withdraw": "Withdrawal",
    "expire": "Expiry",
    "revert": "Revert",
    "import": "Import",
}
_CODES: dict[str, dict[str, str]] = {
    "direction": {"up": "rises only", "down": "falls only", "both": "rises and falls"},
    "baseline": {
        "level": "its recent level",
        "daily": "its daily shape",
        "weekly": "its weekly shape",
        "either": "its recent level or its daily shape",
    },
}
_PERCENT = {
    "min_rel",
    "confidence",
    "benign_same_hour",
    "precision_past",
    "repeat_share",
    "human_detected_share",
    "change_induced_share",
    "risk_next_7d",
    "top_chance",
    "top_success_share",
}
# Keys of the objects that a column may hold.
_KEYS = {"rrule": "by", "duration": "for", "reason": "because of", "dates": "on", "expectation": "expecting"}
# What a detector does where a column is silent: it then falls back to its own setting.
_SILENT = {"direction", "theta_log2", "min_rel", "min_abs", "persist_k", "persist_n", "baseline"}


def label(column: str) -> str:
    """`alarm threshold` for `theta_log2` of a profile; the name itself of a column without a label."""
    return COLUMNS.get(column, column)


def fact_label(column: str) -> str:
    """`open actions` for `open_actions`, of a view of facts."""
    return FACTS.get(column, column)


def service(name: str) -> str:
    """What a feature service tells; of a pinned release which one, and nothing of an unknown name."""
    release = release_of_service(name)
    return SERVICES.get(name, "") if release is None else f"what incidents had taught by release {release}"


def kind(code: str) -> str:
    """`Approval` for `approve`."""
    return KINDS.get(code, code)


def value(column: str, found: Any) -> str:
    """A value as people read it; where a column is silent, what a detector does then."""
    if found is None:
        return _silent(column)
    if isinstance(found, int | float):
        return _figure(column, found)
    if column.endswith("_json"):
        return _json(found)
    if column in {"expires_at", "last_incident_at_iso", "complete_since_iso"}:
        return f"{found[:16].replace('T', ' ')} UTC"
    return str(_CODES.get(column, {}).get(found, found))[:MAX_TEXT]


def number(found: float) -> str:
    """Four digits that count, without an exponent and trailing zeros where that is short."""
    if isinstance(found, int) or float(found).is_integer():
        return f"{int(found)}" if abs(found) < _LONG else f"{found:.4g}"
    return f"{found:.4g}"


def _figure(column: str, found: float) -> str:
    if column == "theta_log2":
        return number(DEFAULT_SETTING.theta * 2.0**found)
    return f"{number(found * 100)} %" if column in _PERCENT else number(found)


def _silent(column: str) -> str:
    if column == "theta_log2":
        return f"{number(DEFAULT_SETTING.theta)} ({DEFAULT})"
    return DEFAULT if column in _SILENT else NOTHING


def _json(text: str) -> str:
    """The keys and values of a small object, without its punctuation."""
    try:
        plain = json.loads(text)
    except ValueError:
        return text[:MAX_TEXT]
    entries = plain if isinstance(plain, list) else [plain]
    parts = [_entry(entry) for entry in entries]
    joined = "; ".join(parts)
    return joined if len(joined) <= MAX_TEXT else f"{joined[: MAX_TEXT - 1]}…"


def _entry(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    return ", ".join(
        f"{_KEYS.get(name, name.replace('_', ' '))} {_plain(name, found)}" for name, found in entry.items()
    )


def _plain(name: str, found: Any) -> str:
    if name == "duration" and isinstance(found, int | float):
        return figures.duration(found)
    return ", ".join(str(item) for item in found) if isinstance(found, list) else str(found)

"""What somebody proposes, before the database sees it: plain values, checked here once for every caller."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.analysis import profiles
from apps.common.errors import InvalidInputError
from apps.telemetry.sources.names import SeriesNameError, split_series_id

from .errors import UnknownSignalError
from .models import Objective

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_SERIES = 200
SPECIFICITY = {"series": 3, "metric_family": 2, "service": 1, "fleet": 0}

# What a reader of a signal needs to know beyond its value (A10); the expressions are analysis.profiles'.
KINDS: dict[str, dict[str, str]] = {
    "theta_scale": {
        "dtype": "float",
        "unit": "log2 of a factor",
        "expression": "theta = default.theta * 2 ** theta_log2",
    },
    "direction": {
        "dtype": "string",
        "unit": "one of up, down, both",
        "expression": "alarm only in this direction",
    },
    "min_effect": {
        "dtype": "float",
        "unit": "share of the expected level (rel), units of the series (abs)",
        "expression": "|residual| >= max(min_rel * |expected|, min_abs)",
    },
    "persistence": {
        "dtype": "integer",
        "unit": "samples",
        "expression": "at least persist_k of the last persist_n samples past the threshold",
    },
    "baseline": {
        "dtype": "string",
        "unit": "one of level, daily, weekly, either",
        "expression": "the expectation that residuals are taken from",
    },
    "hard_limit": {
        "dtype": "float",
        "unit": "units of the series",
        "expression": "alarm below hard_lo or above hard_hi, whatever the threshold",
    },
    "suppress": {
        "dtype": "string",
        "unit": "JSON: rrule (RFC 5545), duration_s, reason",
        "expression": "no alarm from each occurrence on for duration_s; hard limits alarm all the same",
    },
    "calendar_exception": {
        "dtype": "string",
        "unit": "JSON: dates or rrule (whole days), expectation other_day_type or scale",
        "expression": "on these days expect scale * the usual of the slot, or that of the other day type",
    },
}


@dataclass(frozen=True)
class Source:
    """Where a lesson comes from: a document, the SHA-256 of its bytes, its lines (from 1, both ends in)."""

    document: str
    sha256: str
    first_line: int
    last_line: int
    excerpt: str


@dataclass(frozen=True)
class SignalDraft:
    """A kind, the value as given, and the feature columns it compiles to (A9: exactly one typed signal)."""

    kind: str
    value: Any
    columns: Mapping[str, object]


@dataclass(frozen=True)
class Draft:
    """A whole revision. `scope` as in `Revision`; `prose_reason` says why there is no signal, if none is."""

    title: str
    recommendation: str
    scope: Mapping[str, Any]
    confidence: float
    source: Source
    signals: Sequence[SignalDraft] = field(default_factory=tuple)
    prose_reason: str = ""
    expires_at: datetime | None = None
    objectives: Sequence[str] = (Objective.RELIABILITY,)

    def columns(self) -> dict[str, object]:
        """All columns that the signals set."""
        return {column: value for signal in self.signals for column, value in signal.columns.items()}

    def check(self) -> None:
        """Refuse what no reviewer should have to read.

        Raises:
            InvalidInputError: a field is out of its range; the error names it.
        """
        if not 0 < self.confidence <= 1:
            raise InvalidInputError("Confidence is a share above 0 and at most 1.", field="confidence")
        if self.expires_at is not None and self.expires_at <= timezone.now():
            raise InvalidInputError(
                "The expiry has passed already.", field="expires_at", remedy="Give a later moment."
            )
        if not self.objectives or not set(self.objectives) <= set(Objective.values):
            raise InvalidInputError(
                "An insight serves at least one objective.",
                field="objectives",
                remedy=f"Any of {', '.join(Objective.values)}.",
            )
        if not self.signals and not self.prose_reason.strip():
            raise InvalidInputError(
                "An insight carries a signal, or says why it cannot.",
                field="signals",
                remedy="Add a signal, or write in prose_reason why this lesson stays prose.",
            )


def clean_scope(scope: object) -> dict[str, Any]:
    """One of the four forms of a scope, normalised; a bare series id is short for {"series": [id]}.

    Raises:
        InvalidInputError: none of the forms, or an id with characters that Feast and URLs would not carry.
    """
    if isinstance(scope, str):
        scope = {"series": [scope]}
    if not isinstance(scope, dict):
        raise InvalidInputError(
            "A scope is an object.", field="scope", remedy='For example {"series": ["checkout/latency_p99"]}.'
        )
    given = {key: value for key, value in scope.items() if value not in (None, [], "", False)}
    keys = set(given)
    if keys == {"series"}:
        return {"series": _series(given["series"])}
    if keys == {"service", "metric"}:
        return {"series": _series(f"{given['service']}/{given['metric']}")}
    if keys == {"fleet"} and given["fleet"] is True:
        return {"fleet": True}
    if keys in ({"service"}, {"service", "metric_family"}):
        for key in sorted(keys):
            _check_name(key, given[key])
        return given
    raise InvalidInputError(
        "A scope is a list of series, a service, a service with a metric family, or the fleet.",
        field="scope",
        remedy='Use {"series": […]}, {"service": "…"}, {"service": "…", "metric_family": "…"} '
        'or {"fleet": true}.',
    )


def _check_name(key: str, value: object) -> None:
    """A service or a metric family: one part of a series id."""
    if not isinstance(value, str):
        raise InvalidInputError(f"Not a {key}: {value!r}.", field=f"scope.{key}")
    try:
        split_series_id(f"{value}/metric")
    except SeriesNameError as error:
        error.field = f"scope.{key}"
        raise


def _series(value: object) -> list[str]:
    ids = [value] if isinstance(value, str) else value
    if not isinstance(ids, list) or not 0 < len(ids) <= MAX_SERIES:
        raise InvalidInputError(f"Name 1 to {MAX_SERIES} series.", field="scope.series")
    for position, series_id in enumerate(ids):
        where = f"scope.series[{position}]"
        if not isinstance(series_id, str):
            raise InvalidInputError(f"Not a series id: {series_id!r}.", field=where)
        try:
            split_series_id(series_id)
        except SeriesNameError as error:
            error.field = where
            raise
    return sorted(set(ids))


def specificity(scope: Mapping[str, Any]) -> int:
    """How narrowly a scope speaks: 3 series, 2 metric family, 1 service, 0 fleet."""
    return next(rank for key, rank in SPECIFICITY.items() if key in scope)


def clean_signals(signals: object) -> tuple[SignalDraft, ...]:
    """Compile each {"kind", "value"} to its feature columns, at most one of a kind.

    Raises:
        UnknownSignalError: an unknown kind, a value out of its range, or a kind given twice.
    """
    if not isinstance(signals, list):
        raise UnknownSignalError("Signals are a list.", field="signals")
    drafts: list[SignalDraft] = []
    for position, signal in enumerate(signals):
        where = f"signals[{position}]"
        if not isinstance(signal, dict) or "kind" not in signal or "value" not in signal:
            raise UnknownSignalError("A signal has a kind and a value.", field=where)
        kind = signal["kind"]
        if not isinstance(kind, str) or kind not in KINDS:
            raise UnknownSignalError(
                f"Unknown kind {kind!r}.", field=f"{where}.kind", remedy=f"One of {', '.join(KINDS)}."
            )
        if any(kind == other.kind for other in drafts):
            raise UnknownSignalError(f"{kind} is given twice.", field=f"{where}.kind")
        try:
            columns = profiles.compile_signal(kind, signal["value"])
        except (ValueError, TypeError) as error:
            raise UnknownSignalError(str(error), field=f"{where}.value") from error
        drafts.append(SignalDraft(kind, signal["value"], columns))
    return tuple(drafts)

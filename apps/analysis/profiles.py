"""From typed signals to the flat vector that models read, and from the vector back to a detector's setting.

The vector is the whole of `detection_profile`: declared once, null where no insight speaks, never filled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from .calendar_signals import compile_calendar, compile_suppress, read_calendar, read_suppress
from .fields import between, number, object_of, one_of, whole
from .types import BASELINES, DIRECTIONS, MAX_PERSISTENCE, Setting

ColumnType: TypeAlias = Literal["float", "int", "str"]
Vector: TypeAlias = dict[str, object]

VECTOR: tuple[tuple[str, ColumnType], ...] = (
    ("status", "str"),
    ("release", "int"),
    ("version", "int"),
    ("known_at_iso", "str"),
    ("direction", "str"),
    ("theta_log2", "float"),
    ("min_rel", "float"),
    ("min_abs", "float"),
    ("persist_k", "int"),
    ("persist_n", "int"),
    ("baseline", "str"),
    ("hard_lo", "float"),
    ("hard_hi", "float"),
    ("suppress_json", "str"),
    ("calendar_json", "str"),
    ("signature_json", "str"),
    ("precursor_json", "str"),
    ("correlation_json", "str"),
    ("valid_from", "str"),
    ("expires_at", "str"),
    ("n_incidents", "int"),
    ("n_benign", "int"),
    ("peak_min_log", "float"),
    ("peak_med_log", "float"),
    ("dur_med_s", "float"),
    ("dir_mean", "float"),
    ("benign_peak_q90_log", "float"),
    ("benign_same_hour", "float"),
    ("precision_past", "float"),
    ("confidence", "float"),
)
"""(name, type) of every column, in the order in which they are served."""

SIGNAL_COLUMNS = (
    *("direction", "theta_log2", "min_rel", "min_abs"),
    *("persist_k", "persist_n", "baseline", "hard_lo", "hard_hi"),
    *("suppress_json", "calendar_json"),
)
"""The columns that `apply` acts on; the others describe evidence and origin."""

DEFAULT_SETTING = Setting(
    theta=12.0, direction="both", min_rel=0.25, persist_k=2, persist_n=3, baseline="either"
)
"""What a series without any signal is judged with where no fleet has been fitted: the setting of the grid
with the best mean utility on the training slices of the Numenta benchmark's real series, at lambda .1."""

THETA_LOG2_MIN = -2.0
THETA_LOG2_MAX = 3.0
MIN_REL_MAX = 1000.0


def apply(default: Setting, vector: Mapping[str, object]) -> Setting:
    """The setting of one series: `default` where the vector is null, theta = default.theta * 2 ** theta_log2.

    A withdrawn or expired row changes nothing. Other columns are left alone, so a row may be passed as
    served.

    Raises:
        ValueError: a column holds a value outside its range.
    """
    if vector.get("status") in ("withdrawn", "expired"):
        return default
    changes: dict[str, Any] = {}
    for name in SIGNAL_COLUMNS:
        value = vector.get(name)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            continue  # null; a data frame writes NaN for it in columns of numbers
        changes[name] = _READERS[name](value, name)
    theta_log2 = changes.pop("theta_log2", 0.0)
    for name in ("suppress", "calendar"):
        if f"{name}_json" in changes:
            changes[name] = changes.pop(f"{name}_json")
    return replace(default, theta=default.theta * 2.0**theta_log2, **changes)


def compile_signal(kind: str, value: object) -> Vector:
    """The columns that one typed signal fills.

    `value` by kind: theta_scale number or {"log2"}; direction "up" or {"direction"}; baseline "daily" or
    {"baseline"}; min_effect {"rel"?, "abs"?}; persistence {"k", "n"}; hard_limit {"lo"?, "hi"?};
    suppress {"rrule", "duration" in seconds, "reason"}; calendar_exception {"dates" or "rrule",
    "expectation": "other_day_type" or {"scale"}}. The last two fill one column each, with canonical JSON.

    Raises:
        ValueError: an unknown kind, an unknown key, or a value of a wrong type or range; the message names
        it.
    """
    compiler = _COMPILERS.get(kind)
    if compiler is None:
        raise ValueError(f"kind must be one of {', '.join(_COMPILERS)}")
    return compiler(value)


def _theta_scale(value: object) -> Vector:
    log2 = object_of(value, required=("log2",))["log2"] if isinstance(value, Mapping) else value
    return {"theta_log2": between(log2, "log2", THETA_LOG2_MIN, THETA_LOG2_MAX)}


def _direction(value: object) -> Vector:
    word = object_of(value, required=("direction",))["direction"] if isinstance(value, Mapping) else value
    return {"direction": one_of(word, "direction", DIRECTIONS)}


def _baseline(value: object) -> Vector:
    word = object_of(value, required=("baseline",))["baseline"] if isinstance(value, Mapping) else value
    return {"baseline": one_of(word, "baseline", BASELINES)}


def _min_effect(value: object) -> Vector:
    fields = object_of(value, optional=("rel", "abs"))
    columns: Vector = {}
    if "rel" in fields:
        columns["min_rel"] = between(fields["rel"], "rel", 0.0, MIN_REL_MAX)
    if "abs" in fields:
        columns["min_abs"] = between(fields["abs"], "abs", 0.0, math.inf)
    return columns


def _persistence(value: object) -> Vector:
    fields = object_of(value, required=("k", "n"))
    k, n = whole(fields["k"], "k"), whole(fields["n"], "n")
    if not 1 <= k <= n <= MAX_PERSISTENCE:
        raise ValueError(f"k and n must satisfy 1 <= k <= n <= {MAX_PERSISTENCE}")
    return {"persist_k": k, "persist_n": n}


def _hard_limit(value: object) -> Vector:
    fields = object_of(value, optional=("lo", "hi"))
    columns: Vector = {f"hard_{name}": number(limit, name) for name, limit in fields.items()}
    if set(fields) == {"lo", "hi"} and number(fields["lo"], "lo") >= number(fields["hi"], "hi"):
        raise ValueError("lo must be below hi")
    return columns


_COMPILERS: dict[str, Callable[[object], Vector]] = {
    "theta_scale": _theta_scale,
    "direction": _direction,
    "min_effect": _min_effect,
    "persistence": _persistence,
    "baseline": _baseline,
    "hard_limit": _hard_limit,
    "suppress": compile_suppress,
    "calendar_exception": compile_calendar,
}
SIGNAL_KINDS: tuple[str, ...] = tuple(_COMPILERS)


def _theta_log2(value: object, name: str) -> float:
    return between(value, name, THETA_LOG2_MIN, THETA_LOG2_MAX)


_READERS: dict[str, Callable[[object, str], object]] = {
    "direction": lambda value, name: one_of(value, name, DIRECTIONS),
    "theta_log2": _theta_log2,
    "min_rel": number,
    "min_abs": number,
    "persist_k": whole,
    "persist_n": whole,
    "baseline": lambda value, name: one_of(value, name, BASELINES),
    "hard_lo": number,
    "hard_hi": number,
    "suppress_json": read_suppress,
    "calendar_json": read_calendar,
}

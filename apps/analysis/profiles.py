"""From typed signals to the flat vector that models read, and from the vector back to a detector's setting.

The vector is the whole of `detection_profile`: declared once, null where no insight speaks, never filled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

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
    return replace(default, theta=default.theta * 2.0**theta_log2, **changes)


def compile_signal(kind: str, value: object) -> Vector:
    """The columns that one typed signal fills.

    `value` by kind: theta_scale number or {"log2"}; direction "up" or {"direction"}; baseline "daily" or
    {"baseline"}; min_effect {"rel"?, "abs"?}; persistence {"k", "n"}; hard_limit {"lo"?, "hi"?}.

    Raises:
        ValueError: an unknown kind, an unknown key, or a value of a wrong type or range; the message names
        it.
    """
    compiler = _COMPILERS.get(kind)
    if compiler is None:
        raise ValueError(f"kind must be one of {', '.join(_COMPILERS)}")
    return compiler(value)


def _theta_scale(value: object) -> Vector:
    log2 = _object(value, required=("log2",))["log2"] if isinstance(value, Mapping) else value
    return {"theta_log2": _between(log2, "log2", THETA_LOG2_MIN, THETA_LOG2_MAX)}


def _direction(value: object) -> Vector:
    word = _object(value, required=("direction",))["direction"] if isinstance(value, Mapping) else value
    return {"direction": _one_of(word, "direction", DIRECTIONS)}


def _baseline(value: object) -> Vector:
    word = _object(value, required=("baseline",))["baseline"] if isinstance(value, Mapping) else value
    return {"baseline": _one_of(word, "baseline", BASELINES)}


def _min_effect(value: object) -> Vector:
    fields = _object(value, optional=("rel", "abs"))
    columns: Vector = {}
    if "rel" in fields:
        columns["min_rel"] = _between(fields["rel"], "rel", 0.0, MIN_REL_MAX)
    if "abs" in fields:
        columns["min_abs"] = _between(fields["abs"], "abs", 0.0, math.inf)
    return columns


def _persistence(value: object) -> Vector:
    fields = _object(value, required=("k", "n"))
    k, n = _whole(fields["k"], "k"), _whole(fields["n"], "n")
    if not 1 <= k <= n <= MAX_PERSISTENCE:
        raise ValueError(f"k and n must satisfy 1 <= k <= n <= {MAX_PERSISTENCE}")
    return {"persist_k": k, "persist_n": n}


def _hard_limit(value: object) -> Vector:
    fields = _object(value, optional=("lo", "hi"))
    columns: Vector = {f"hard_{name}": _number(limit, name) for name, limit in fields.items()}
    if set(fields) == {"lo", "hi"} and _number(fields["lo"], "lo") >= _number(fields["hi"], "hi"):
        raise ValueError("lo must be below hi")
    return columns


_COMPILERS: dict[str, Callable[[object], Vector]] = {
    "theta_scale": _theta_scale,
    "direction": _direction,
    "min_effect": _min_effect,
    "persistence": _persistence,
    "baseline": _baseline,
    "hard_limit": _hard_limit,
}
SIGNAL_KINDS: tuple[str, ...] = tuple(_COMPILERS)


def _object(
    value: object, *, required: tuple[str, ...] = (), optional: tuple[str, ...] = ()
) -> dict[str, object]:
    """The non-null fields of a JSON object with exactly the required keys, or at least one optional one."""
    if not isinstance(value, Mapping):
        raise ValueError(f"value must be an object with {', '.join(required or optional)}")  # noqa: TRY004
    fields = {str(key): item for key, item in value.items() if item is not None}
    unknown = sorted(set(fields) - set(required) - set(optional))
    if unknown:
        raise ValueError(f"{unknown[0]} is not known here; the fields are {', '.join(required or optional)}")
    missing = [name for name in required if name not in fields]
    if missing or not fields:
        raise ValueError(f"{', '.join(missing) or ' or '.join(optional)} is missing")
    return fields


def _number(value: object, name: str) -> float:
    # A bool is an int to Python; as a threshold it is a mistake.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{name} must be a number")  # noqa: TRY004
    try:
        number = float(value)
    except OverflowError as error:
        raise ValueError(f"{name} must be a finite number") from error
    if not math.isfinite(number):
        raise ValueError(f"{name} must be a finite number")
    return number


def _between(value: object, name: str, low: float, high: float) -> float:
    number = _number(value, name)
    if not low <= number <= high:
        limit = f"between {low:g} and {high:g}" if math.isfinite(high) else f"at least {low:g}"
        raise ValueError(f"{name} must be {limit}")
    return number


def _whole(value: object, name: str) -> int:
    number = _number(value, name)
    if number != int(number):
        raise ValueError(f"{name} must be a whole number")
    return int(number)


def _one_of(value: object, name: str, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}")
    return value


def _theta_log2(value: object, name: str) -> float:
    return _between(value, name, THETA_LOG2_MIN, THETA_LOG2_MAX)


_READERS: dict[str, Callable[[object, str], object]] = {
    "direction": lambda value, name: _one_of(value, name, DIRECTIONS),
    "theta_log2": _theta_log2,
    "min_rel": _number,
    "min_abs": _number,
    "persist_k": _whole,
    "persist_n": _whole,
    "baseline": lambda value, name: _one_of(value, name, BASELINES),
    "hard_lo": _number,
    "hard_hi": _number,
}

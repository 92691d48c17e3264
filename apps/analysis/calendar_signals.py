"""The signals `suppress` and `calendar_exception`: from their values to one column each, and back.

A column holds canonical JSON, so that a model of any language can read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache

from .calendars import SCALE_MAX, SCALE_MIN, CalendarException, Suppression
from .fields import between, object_of, text_of, whole


def compile_suppress(value: object) -> dict[str, object]:
    """Columns of {"rrule", "duration", "reason"}."""
    fields = object_of(value, required=("rrule", "duration", "reason"))
    made = Suppression(
        rrule=text_of(fields["rrule"], "rrule"),
        duration_s=whole(fields["duration"], "duration"),
        reason=text_of(fields["reason"], "reason"),
    )
    return {"suppress_json": _json(asdict(made))}


def compile_calendar(value: object) -> dict[str, object]:
    """Columns of {"dates" or "rrule", "expectation"}."""
    fields = object_of(value, optional=("dates", "rrule", "expectation"))
    if "expectation" not in fields:
        raise ValueError("expectation is missing")
    return {"calendar_json": _json(_calendar_fields(_calendar(fields)))}


def _calendar(fields: Mapping[str, object]) -> CalendarException:
    """From the words of a signal, or of the column that was made of one: they are the same."""
    expected, dates = fields["expectation"], fields.get("dates", ())
    if not isinstance(dates, list | tuple) or not all(isinstance(day, str) for day in dates):
        raise ValueError("dates must be a list of days such as 2026-12-24")
    rule = text_of(fields.get("rrule", ""), "rrule")
    if expected == "other_day_type":
        return CalendarException(dates=tuple(dates), rrule=rule)
    if not isinstance(expected, Mapping):
        raise ValueError('expectation must be "other_day_type" or an object with scale')  # noqa: TRY004
    scale = between(object_of(expected, required=("scale",))["scale"], "scale", SCALE_MIN, SCALE_MAX)
    return CalendarException(dates=tuple(dates), rrule=rule, expectation="scale", scale=scale)


def _calendar_fields(made: CalendarException) -> dict[str, object]:
    expected: object = {"scale": made.scale} if made.expectation == "scale" else made.expectation
    when: dict[str, object] = {"rrule": made.rrule} if made.rrule else {"dates": list(made.dates)}
    return {**when, "expectation": expected}


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(dict(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


@lru_cache(maxsize=512)
def read_suppress(text: object, name: str) -> Suppression:
    """What a column `suppress_json` says. Kept, as columns are read far more often than they change."""
    fields = _parsed(text, name)
    return Suppression(
        rrule=text_of(fields.get("rrule"), f"{name}: rrule"),
        duration_s=whole(fields.get("duration_s"), f"{name}: duration_s"),
        reason=text_of(fields.get("reason"), f"{name}: reason"),
    )


@lru_cache(maxsize=512)
def read_calendar(text: object, name: str) -> CalendarException:
    """What a column `calendar_json` says."""
    fields = _parsed(text, name)
    if "expectation" not in fields:
        raise ValueError(f"{name}: expectation is missing")
    return _calendar(fields)


def _parsed(text: object, name: str) -> Mapping[str, object]:
    try:
        found = json.loads(text_of(text, name))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON") from error
    if not isinstance(found, dict):
        raise ValueError(f"{name} must be a JSON object")  # noqa: TRY004
    return found

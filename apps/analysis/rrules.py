"""RFC 5545 recurrence rules from text.

The subset: FREQ of DAILY, WEEKLY, MONTHLY or YEARLY with INTERVAL, COUNT or UNTIL, BYMONTH, BYMONTHDAY,
BYDAY, BYHOUR, BYMINUTE and WKST; before it, if wanted, a line `DTSTART;TZID=Europe/Berlin:20260105T020000`.
Without TZID times are UTC. Without DTSTART nothing may hang on a first occurrence: no COUNT, no INTERVAL
above 1, and the days are named.

`dateutil` reads the grammar; `recurrence` matches the days, in arrays. The iterator of `dateutil` looks at
UNTIL only when it has found an occurrence, so a 30th of February would keep it busy up to the year 9999.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import numpy as np
from dateutil.rrule import rrulestr

from .recurrence import WEEKDAYS, Freq, Rule, cycle, local
from .types import DAY_US, MINUTE_US

if TYPE_CHECKING:
    from collections.abc import Mapping

FREQS: tuple[Freq, ...] = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = (
    *("FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"),
    *("BYMONTH", "BYMONTHDAY", "BYDAY", "BYHOUR", "BYMINUTE"),
)
MAX_LENGTH = 500
MAX_A_DAY = 24
"""Starts on one day: hours times minutes."""
MAX_REPEAT = 10_000
FIRST_YEAR, LAST_YEAR = 1970, 2200

_START = re.compile(r"DTSTART(?:;TZID=(?P<zone>[A-Za-z0-9_+\-/]{1,60}))?:(?P<at>\d{8}T\d{6})(?P<utc>Z?)")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_BYDAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_NUMBER = re.compile(r"[+-]?\d{1,5}")


@lru_cache(maxsize=512)
def parse(text: str) -> Rule:
    """The rule that a text writes.

    Raises:
        ValueError: not a rule of the subset; the message names the part and starts with "rrule".
    """
    text = text.replace("\r\n", "\n")
    if not text.isascii() or not text.replace("\n", "").isprintable() or len(text) > MAX_LENGTH:
        raise ValueError(f"rrule must be plain text of at most {MAX_LENGTH} characters")
    lines = [line.strip() for line in text.strip().split("\n") if line.strip()]
    head = lines.pop(0) if len(lines) > 1 and lines[0].upper().startswith("DTSTART") else ""
    if len(lines) != 1:
        raise ValueError("rrule must be one rule, such as FREQ=WEEKLY;BYDAY=SA;BYHOUR=2")
    anchor, zone = _anchor(head)
    parts = _parts(lines[0])
    rule = _rule(parts, anchor, zone)
    _settled(rule, parts)
    _understood(parts)
    if cycle(rule).size == 0:
        raise ValueError("rrule never happens: no day fits it")
    return rule


def _anchor(head: str) -> tuple[int | None, str]:
    """DTSTART in microseconds of its wall clock, and its zone."""
    if not head:
        return None, "UTC"
    found = _START.fullmatch(head)
    if found is None or (found["zone"] and found["utc"]):
        raise ValueError("rrule: DTSTART must look like DTSTART;TZID=Europe/Berlin:20260105T020000")
    zone = found["zone"] or "UTC"
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"rrule: TZID {zone} is no known time zone") from error
    return _moment(found["at"], "DTSTART"), zone


def _moment(digits: str, name: str) -> int:
    try:
        at = datetime.strptime(digits, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise ValueError(f"rrule: {name} is no moment: {digits}") from error
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(f"rrule: {name} must lie between {FIRST_YEAR} and {LAST_YEAR}")
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _parts(line: str) -> dict[str, str]:
    body = line.upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for piece in body.rstrip(";").split(";"):
        name, equals, value = (text.strip() for text in piece.partition("="))
        if name not in PARTS or not equals or not value:
            known = ", ".join(PARTS)
            raise ValueError(f"rrule: {name[:20] or 'an empty part'} is not known; the parts are {known}")
        if name in parts:
            raise ValueError(f"rrule: {name} is given twice")
        parts[name] = value
    if parts.get("FREQ") not in FREQS:
        raise ValueError(f"rrule: FREQ must be one of {', '.join(FREQS)}")
    return parts


def _understood(parts: Mapping[str, str]) -> None:
    """The grammar as dateutil reads it; making its object computes no occurrence."""
    text = ";".join(f"{name}={value}" for name, value in parts.items() if name != "UNTIL")
    try:
        rrulestr(text, dtstart=datetime(2000, 1, 1))  # noqa: DTZ001  # only the grammar is looked at
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, OverflowError) as error:
        raise ValueError(f"rrule is not a recurrence rule: {text[:80]}") from error


def _rule(parts: Mapping[str, str], anchor: int | None, zone: str) -> Rule:
    freq = cast("Freq", parts["FREQ"])
    by_month = _numbers(parts, "BYMONTH", 1, 12)
    by_month_day = _numbers(parts, "BYMONTHDAY", -31, 31)
    by_day = _by_day(parts.get("BYDAY", ""))
    if anchor is not None and not (by_month_day or by_day):
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=anchor)
        if freq == "YEARLY" and not by_month:
            by_month = (at.month,)
        by_month_day = (at.day,) if freq in ("MONTHLY", "YEARLY") else ()
        by_day = ((0, at.weekday()),) if freq == "WEEKLY" else ()
    return Rule(
        text=_canonical(parts, anchor, zone),
        freq=freq,
        zone=zone,
        starts=_starts(parts, anchor or 0),
        anchor=anchor,
        interval=_number(parts, "INTERVAL") or 1,
        count=_number(parts, "COUNT"),
        until=_until(parts.get("UNTIL", ""), zone),
        week_start=_week_start(parts.get("WKST", "MO")),
        by_month=by_month,
        by_month_day=by_month_day,
        by_day=by_day,
    )


def _settled(rule: Rule, parts: Mapping[str, str]) -> None:
    """Refuse what the RFC refuses, and what would hang on a first occurrence that nobody gave."""
    if rule.freq == "WEEKLY" and rule.by_month_day:
        raise ValueError("rrule: BYMONTHDAY does not go with FREQ=WEEKLY")
    by_ordinal = any(ordinal for ordinal, _ in rule.by_day)
    if by_ordinal and rule.freq != "MONTHLY" and not (rule.freq == "YEARLY" and rule.by_month):
        raise ValueError("rrule: BYDAY with a number needs FREQ=MONTHLY, or FREQ=YEARLY with BYMONTH")
    if rule.count is not None and rule.until is not None:
        raise ValueError("rrule: COUNT and UNTIL do not go together")
    if rule.anchor is not None:
        return
    if rule.count is not None or rule.interval > 1:
        raise ValueError("rrule: COUNT and INTERVAL need a DTSTART to count from")
    if rule.freq != "DAILY" and not (rule.by_day or rule.by_month_day):
        raise ValueError(f"rrule: FREQ={rule.freq} needs BYDAY, BYMONTHDAY or a DTSTART")
    if rule.freq == "YEARLY" and "BYMONTH" not in parts:
        raise ValueError("rrule: FREQ=YEARLY needs BYMONTH or a DTSTART")


def _numbers(parts: Mapping[str, str], name: str, low: int, high: int) -> tuple[int, ...]:
    words = parts[name].split(",") if name in parts else []

    def fits(word: str) -> bool:
        return bool(_NUMBER.fullmatch(word)) and low <= int(word) <= high and (low == 0 or int(word) != 0)

    if not all(map(fits, words)):
        raise ValueError(f"rrule: {name} must be numbers between {low} and {high}")
    return tuple(sorted({int(word) for word in words}))


def _number(parts: Mapping[str, str], name: str) -> int | None:
    found = _numbers(parts, name, 1, MAX_REPEAT)
    if len(found) > 1:
        raise ValueError(f"rrule: {name} must be one number")
    return found[0] if found else None


def _by_day(value: str) -> tuple[tuple[int, int], ...]:
    found = [_BYDAY.fullmatch(word) for word in value.split(",")] if value else []
    days = {(int(one[1] or 0), WEEKDAYS.index(one[2])) for one in found if one}
    if not all(found):
        raise ValueError("rrule: BYDAY must be weekdays such as MO,SA or 1MO,-1FR")
    return tuple(sorted(days))


def _week_start(value: str) -> int:
    if value not in WEEKDAYS:
        raise ValueError(f"rrule: WKST must be one of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(value)


def _starts(parts: Mapping[str, str], anchor: int) -> tuple[int, ...]:
    at = anchor % DAY_US
    if at % MINUTE_US:
        raise ValueError("rrule: DTSTART must be at a full minute")
    hours = _numbers(parts, "BYHOUR", 0, 23) or (at // (60 * MINUTE_US),)
    minutes = _numbers(parts, "BYMINUTE", 0, 59) or (at // MINUTE_US % 60,)
    if len(hours) * len(minutes) > MAX_A_DAY:
        raise ValueError(f"rrule: BYHOUR and BYMINUTE make more than {MAX_A_DAY} starts a day")
    return tuple(sorted((60 * hour + minute) * MINUTE_US for hour in hours for minute in minutes))


def _until(value: str, zone: str) -> int | None:
    if not value:
        return None
    found = _UNTIL.fullmatch(value)
    if found is None:
        raise ValueError("rrule: UNTIL must look like 20261231 or 20261231T235900Z")
    moment = _moment(f"{found[1]}T{found[2] or '235959'}", "UNTIL")
    return int(local(np.array([moment]), zone)[0]) if found[3] else moment


def _canonical(parts: Mapping[str, str], anchor: int | None, zone: str) -> str:
    body = ";".join(f"{name}={parts[name]}" for name in PARTS if name in parts)
    if anchor is None:
        return body
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=anchor)
    written = at.strftime("%Y%m%dT%H%M%S") + ("Z" if zone == "UTC" else "")
    return f"DTSTART{'' if zone == 'UTC' else f';TZID={zone}'}:{written}\nRRULE:{body}"

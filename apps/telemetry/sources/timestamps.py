"""Instants as people write them, to microseconds since 1970 UTC."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from apps.common.errors import InvalidInputError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # arithmetic on clock readings, before their zone is known
MICROSECOND = timedelta(microseconds=1)
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+]?\d{1,2})?", re.ASCII)
# The year 9999 in seconds has 12 digits; up to 11 digits are seconds (to the year 5138), then ms, us, ns.
EPOCH_UNITS = (
    ("s", 10**11, Decimal(10**6)),
    ("ms", 10**14, Decimal(1000)),
    ("us", 10**17, Decimal(1)),
    ("ns", 10**20, Decimal("0.001")),
)
EARLIEST_US = (datetime(1, 1, 2, tzinfo=UTC) - EPOCH) // MICROSECOND
LATEST_US = (datetime(9999, 12, 30, tzinfo=UTC) - EPOCH) // MICROSECOND
ZONE_WORD = re.compile(r"\s*(UTC|GMT|Z)$", re.IGNORECASE)
SPACED_OFFSET = re.compile(r"\s+(?=[+-]\d\d:?(\d\d)?$)")
ISO_SHAPE = re.compile(r"\d{4}-?(\d\d|W\d\d)", re.ASCII)


class TimestampError(ValueError):
    """Not an instant; the message says what it lacks."""


def zone(name: str) -> ZoneInfo:
    """The IANA time zone `name`.

    Raises:
        InvalidInputError: no such zone.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:
        raise InvalidInputError(
            f"{name[:80]!a} is no time zone.",
            field="tz",
            remedy="Name a zone of the IANA database, such as Europe/Berlin or UTC.",
        ) from exc


class TimestampReader:
    """Reads the timestamps of one file and remembers in what form they came.

    ISO 8601 with or without a zone, or a number of seconds, milliseconds, microseconds or nanoseconds since
    1970 (told apart by size, one unit per file). Finer than a microsecond is cut off. A time without zone is
    a clock reading in `tz`: where the clock goes back the earlier moment is taken (`ambiguous_local_times`),
    where it jumps forward the reading moves an hour on, as in PEP 495 (`nonexistent_local_times`).
    """

    def __init__(self, tz: str = "UTC") -> None:
        self.tz = tz
        self._zone = zone(tz)
        self._fixed = tz.upper() in {"UTC", "ETC/UTC", "GMT", "ETC/GMT"}
        self._unit: str | None = None
        self.offsets: Counter[str] = Counter()  # by offset as written; "" for times without a zone
        self.last_oddity: str | None = None  # of the timestamp read last

    def microseconds(self, text: str) -> int:
        """`text` as microseconds since 1970 UTC; sets `last_oddity`.

        Raises:
            TimestampError: not a timestamp, or a number in another unit than the rows before.
        """
        self.last_oddity = None
        text = text.strip()
        if NUMBER.fullmatch(text):
            return self._number(text)
        moment = _parsed(text)
        offset = moment.utcoffset()
        if offset is None:
            self.offsets[""] += 1
            return self._local(moment)
        self.offsets[_written(offset)] += 1
        return _checked((moment - EPOCH) // MICROSECOND)

    def _number(self, text: str) -> int:
        if self._unit is None and _looks_like_a_date(text):
            raise TimestampError("either a date without dashes or seconds since 1970")
        number = Decimal(text)
        size = abs(number)
        unit, scale = next(
            ((unit, scale) for unit, limit, scale in EPOCH_UNITS if size < limit), (None, None)
        )
        if unit is None or scale is None:
            raise TimestampError("a number too large for any time")
        if self._unit not in {None, unit}:
            raise TimestampError(f"a time in {unit} since 1970 where the rows before are in {self._unit}")
        self._unit = unit
        self.offsets["epoch"] += 1
        return _checked(int((number * scale).to_integral_value(rounding="ROUND_FLOOR")))

    def _local(self, moment: datetime) -> int:
        reading = (moment - NAIVE_EPOCH) // MICROSECOND
        if self._fixed:
            return _checked(reading)
        early = moment.replace(tzinfo=self._zone, fold=0)
        before, after = early.utcoffset(), early.replace(fold=1).utcoffset()
        if before is None or after is None:
            raise TimestampError(f"not a time in the zone {self.tz}")
        if before != after:
            # PEP 495: at a fold the first reading has the larger offset, at a gap the smaller.
            self.last_oddity = "ambiguous_local_times" if before > after else "nonexistent_local_times"
        return _checked(reading - before // MICROSECOND)


def _looks_like_a_date(text: str) -> bool:
    """`20261121` would silently be a night in August 1970."""
    if len(text) != 8 or not text.isdigit() or not "1900" <= text[:4] <= "2100":  # noqa: PLR2004
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parsed(text: str) -> datetime:
    if not ISO_SHAPE.match(text):
        raise TimestampError("not a timestamp")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    try:  # what databases and spreadsheets write: a space before the offset, or the name of UTC
        return datetime.fromisoformat(SPACED_OFFSET.sub("", ZONE_WORD.sub("+00:00", text)))
    except ValueError as exc:
        raise TimestampError("not a timestamp") from exc


def _checked(moment_us: int) -> int:
    if not EARLIEST_US <= moment_us <= LATEST_US:
        raise TimestampError("a time before the year 1 or after 9999")
    return moment_us


def _written(offset: timedelta) -> str:
    minutes = int(offset.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


TIMESTAMP_REMEDY = (
    "Write times as ISO 8601 (2026-11-21T12:00:00Z) or as a number of seconds, milliseconds, microseconds or "
    "nanoseconds since 1970."
)

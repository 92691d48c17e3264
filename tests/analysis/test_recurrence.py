"""Recurrence rules: the same moments as dateutil finds, a clear refusal of the rest, and no costly rule."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import numpy as np
import pytest
from dateutil.rrule import rrulestr
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from apps.analysis import recurrence, rrules
from apps.analysis.types import DAY_US, HOUR_US, MINUTE_US

pytestmark = pytest.mark.unit

ANCHOR = datetime(2026, 1, 7, 2, 30, tzinfo=UTC)
FIRST = (datetime(2026, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
SPAN = 3 * 366


def us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def by_dateutil(body: str, anchor: datetime) -> list[int]:
    rule = rrulestr(body, dtstart=anchor)
    end = anchor.replace(tzinfo=UTC) + timedelta(days=SPAN)
    return [us(at) for at in takewhile(lambda at: at <= end, rule)]


def listed(values, *, least=1):
    """One to three of the values as a part of a rule, or the empty text."""
    few = st.lists(values, min_size=least, max_size=3, unique=True).map(lambda some: ",".join(map(str, some)))
    return st.one_of(st.just(""), few)


@st.composite
def bodies(draw) -> str:
    """Rules of our subset. Ordinals are not mixed with plain weekdays: there dateutil takes both to hold."""
    freq = draw(st.sampled_from(rrules.FREQS))
    month = draw(listed(st.integers(1, 12)))
    ordinal = freq == "MONTHLY" or (freq == "YEARLY" and month)
    days = listed(st.sampled_from(recurrence.WEEKDAYS))
    if ordinal and draw(st.booleans()):
        days = listed(
            st.tuples(st.sampled_from(["1", "2", "-1", "-2"]), st.sampled_from(recurrence.WEEKDAYS)).map(
                "".join
            )
        )
    until = (ANCHOR + timedelta(days=draw(st.integers(0, 800)))).strftime("%Y%m%dT%H%M%SZ")
    ending = draw(st.sampled_from(["", f";COUNT={draw(st.integers(1, 40))}", f";UNTIL={until}"]))
    parts = {
        "INTERVAL": draw(st.sampled_from(["", "1", "2", "3"])),
        "WKST": draw(st.sampled_from(["", *recurrence.WEEKDAYS])),
        "BYMONTH": month,
        "BYMONTHDAY": draw(listed(st.integers(-28, 28).filter(bool))) if freq != "WEEKLY" else "",
        "BYDAY": draw(days),
        "BYHOUR": draw(listed(st.integers(0, 23))),
        "BYMINUTE": draw(listed(st.integers(0, 59))),
    }
    return "".join([f"FREQ={freq}", *(f";{name}={value}" for name, value in parts.items() if value), ending])


def rule_of(head: str, body: str) -> recurrence.Rule | None:
    """The rule; None where it is refused, always by name."""
    try:
        return rrules.parse(head + body)
    except ValueError as error:
        told = str(error)
    assert told.startswith("rrule")
    return None


@given(body=bodies())
@example(body="FREQ=YEARLY")
@example(body="FREQ=MONTHLY;BYDAY=-1FR")
@settings(max_examples=150, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_the_moments_are_those_of_dateutil(body):
    rule = rule_of(f"DTSTART:{ANCHOR:%Y%m%dT%H%M%SZ}\nRRULE:", body)
    if rule is None:
        return
    expected = by_dateutil(body, ANCHOR)
    end = us(ANCHOR + timedelta(days=SPAN))
    found = recurrence.occurrences(rule, FIRST, FIRST + SPAN + 10)
    assert found[found <= end].tolist() == expected


@given(body=bodies(), first=st.integers(0, 600), days=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_a_part_of_time_shows_a_part_of_the_moments(body, first, days):
    rule = rule_of(f"DTSTART:{ANCHOR:%Y%m%dT%H%M%SZ}\n", body)
    if rule is None:
        return
    whole = recurrence.occurrences(rule, FIRST, FIRST + SPAN)
    part = recurrence.occurrences(rule, FIRST + first, FIRST + first + days)
    inside = (whole // DAY_US >= FIRST + first) & (whole // DAY_US <= FIRST + first + days)
    assert part.tolist() == whole[inside].tolist()


@given(text=st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text):
    for candidate in (text, f"FREQ=DAILY;{text}", f"DTSTART:{text}\nFREQ=DAILY"):
        rule = rule_of("", candidate)
        assert rule is None or rrules.parse(rule.text) == rule


@pytest.mark.parametrize(
    "body",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=5MO",
        "FREQ=DAILY;COUNT=10000;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23",
        "FREQ=YEARLY;INTERVAL=10000",
        "FREQ=DAILY;INTERVAL=9999;BYMONTH=2;BYMONTHDAY=29;UNTIL=22000101T000000Z",
    ],
)
def test_no_rule_is_costly(body):
    started = time.process_time()
    for head in ("DTSTART:19700101T000000Z\n", "DTSTART;TZID=Europe/Berlin:19700101T000000\n"):
        rule = rule_of(head, body)
        if rule is not None:
            recurrence.mask(rule, np.arange(0, 50 * 366 * DAY_US, DAY_US // 4), HOUR_US)
            recurrence.busiest_week_share(rule, HOUR_US)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "one rule"),
        ("hello", "not known"),
        ("FREQ=SECONDLY", "FREQ must be one of"),
        ("FREQ=MINUTELY", "FREQ must be one of"),
        ("FREQ=HOURLY", "FREQ must be one of"),
        ("FREQ=DAILY;BYSECOND=1", "BYSECOND is not known"),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS is not known"),
        ("FREQ=DAILY;FREQ=DAILY", "twice"),
        ("FREQ=DAILY;INTERVAL=2", "need a DTSTART"),
        ("FREQ=DAILY;COUNT=2", "need a DTSTART"),
        ("FREQ=WEEKLY", "needs BYDAY"),
        ("FREQ=YEARLY;BYDAY=MO", "needs BYMONTH"),
        ("FREQ=WEEKLY;BYDAY=XX", "rrule"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY with a number"),
        ("FREQ=WEEKLY;BYDAY=MO;BYMONTHDAY=1", "does not go with FREQ=WEEKLY"),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR must be numbers between 0 and 23"),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=DAILY;BYHOUR=1,2;BYMINUTE=" + ",".join(map(str, range(20))), "more than 24"),
        ("FREQ=DAILY;BYHOUR=2\x00", "plain text"),
        ("FREQ=DAILY;UNTIL=2026", "UNTIL must look like"),
        ("FREQ=DAILY;UNTIL=20261399", "UNTIL is no moment"),
        ("FREQ=DAILY;UNTIL=19990101T000000Z", "never happens"),
        ("DTSTART:20260101T000000Z\nFREQ=DAILY;COUNT=2;UNTIL=20270101", "do not go together"),
        ("DTSTART:20260101T000005Z\nFREQ=DAILY", "full minute"),
        ("DTSTART:20260101\nFREQ=DAILY", "DTSTART must look like"),
        ("DTSTART;TZID=Mars/Base:20260101T000000\nFREQ=DAILY", "no known time zone"),
        ("DTSTART;TZID=Europe:20260101T000000\nFREQ=DAILY", "no known time zone"),
        ("DTSTART;TZID=../../etc/passwd:20260101T000000\nFREQ=DAILY", "rrule"),
        ("DTSTART;TZID=Europe/Berlin:20260101T000000Z\nFREQ=DAILY", "DTSTART must look like"),
        ("FREQ=DAILY;BYHOUR=" + "1" * 600, "at most 500"),
    ],
)
def test_what_is_no_rule_of_ours_is_refused_by_name(text, why):
    with pytest.raises(ValueError, match=why):
        rrules.parse(text)


def test_a_rule_follows_the_wall_clock_of_its_zone():
    rule = rrules.parse("DTSTART;TZID=Europe/Berlin:20260101T020000\nRRULE:FREQ=DAILY")
    for day, hour in ((datetime(2026, 2, 1, tzinfo=UTC), 1), (datetime(2026, 7, 1, tzinfo=UTC), 0)):
        times = us(day) + np.arange(24 * 12, dtype=np.int64) * 5 * MINUTE_US
        found = times[recurrence.mask(rule, times, 30 * MINUTE_US)]
        assert (found - us(day)).tolist() == [hour * HOUR_US + step * 5 * MINUTE_US for step in range(6)]


def test_the_share_of_a_busy_week():
    rule = rrules.parse("FREQ=WEEKLY;BYDAY=MO,TU;BYHOUR=0")
    assert recurrence.busiest_week_share(rule, DAY_US) == pytest.approx(2 / 7)
    crowded = rrules.parse("FREQ=DAILY;BYHOUR=0,1,2")
    assert recurrence.busiest_week_share(crowded, 2 * HOUR_US) == pytest.approx(4 / 24)
    assert recurrence.busiest_week_share(rrules.parse("FREQ=DAILY"), DAY_US) == pytest.approx(1)

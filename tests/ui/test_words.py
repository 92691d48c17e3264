"""Numbers, moments and tones as people read them."""

from __future__ import annotations

import datetime as dt
import math

import pytest
from django.test import RequestFactory

from apps.ui import figures
from apps.ui.templatetags import ui
from apps.ui.tones import TONES, tone_of

pytestmark = pytest.mark.unit

NOW = dt.datetime(2026, 11, 21, 15, 4, 5, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\u2013"),
        (math.nan, "\u2013"),
        (0, "0"),
        (12345, "12\u202f345"),
        (1234567.8, "1\u202f234\u202f568"),
        (41.234, "41.2"),
        (-2.5, "\u22122.5"),
        (0.00312, "0.00312"),
        (0.5, "0.5"),
        (0.00001234, "1.2e-05"),
        (99.96, "100"),
    ],
)
def test_figures_are_grouped_and_rounded(value: float | None, text: str) -> None:
    assert figures.figure(value) == text


def test_differences_have_their_sign() -> None:
    assert [ui.signed(value) for value in (1.5, 0, -1.5)] == ["+1.5", "0", "\u22121.5"]


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.256, "26\u202f%"),
        (0, "0\u202f%"),
        (1, "100\u202f%"),
        (0.001, "< 1\u202f%"),
        (0.999, "> 99\u202f%"),
        (-0.1, "\u221210\u202f%"),
        (None, "\u2013"),
    ],
)
def test_a_small_share_never_reads_as_none(share: float | None, text: str) -> None:
    assert figures.percent(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "\u2013"),
        (0, "0 s"),
        (45, "45 s"),
        (59.7, "1 min"),
        (90, "1 min 30 s"),
        (1200, "20 min"),
        (3599, "1 h"),
        (4800, "1 h 20 min"),
        (86_399, "1 d"),
        (90_000, "1 d 1 h"),
        (-4800, "\u22121 h 20 min"),
    ],
)
def test_durations_have_two_units(seconds: float | None, text: str) -> None:
    assert figures.duration(seconds) == text


def test_filters_bear_what_templates_hand_them() -> None:
    assert ui.duration(dt.timedelta(hours=2)) == "2 h"
    assert (ui.figure(""), ui.percent("x"), ui.duration(None)) == ("\u2013",) * 3
    assert ui.words("in_review") == "in review"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (dt.timedelta(seconds=20), "just now"),
        (dt.timedelta(minutes=5), "5 min ago"),
        (dt.timedelta(hours=3), "3 h ago"),
        (-dt.timedelta(days=2), "in 2 d"),
        (dt.timedelta(days=40), "12 Oct 2026"),
    ],
)
def test_relative_moments(ago: dt.timedelta, text: str) -> None:
    assert ui.relative(NOW - ago, NOW) == text


def test_moments_are_utc_for_people_and_machines() -> None:
    there = NOW.astimezone(dt.timezone(dt.timedelta(hours=5)))
    assert str(ui.moment(there)) == '<time datetime="2026-11-21T15:04:05Z">2026-11-21 15:04 UTC</time>'
    assert 'title="2026-11-21 15:04 UTC"' in str(ui.when(there))
    assert "21 Nov 2026" in str(ui.day(there))
    assert ui.moment(None) == ui.when(None) == ui.day(None) == "\u2013"


def test_tones_of_codes() -> None:
    assert tone_of("SEV-1") == tone_of("sev_1") == "bad"
    assert tone_of("approved") == "good"
    assert tone_of("never heard of") == "neutral"
    assert {tone_of(code) for code in ("approved", "in_review", "rejected", "proposed", "closed")} == set(
        TONES
    )


def test_icons_are_silent_unless_labelled() -> None:
    assert 'aria-hidden="true"' in ui.icon("house")
    assert "#house" in ui.icon("house")
    assert 'role="img" aria-label="A &lt;b&gt;"' in ui.icon("house", "A <b>")


def test_a_missing_room_has_no_address() -> None:
    assert ui.address("no-such-room:page") == ""


def test_queries_change_one_parameter_and_begin_anew() -> None:
    request = RequestFactory().get("/x", {"state": ["a", "b"], "cursor": "z", "q": "1"})
    assert ui.query({"request": request}, q="", who="all") == "?state=a&state=b&who=all"

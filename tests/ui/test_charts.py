"""Where a chart puts things, and what it says of itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
from django.template.loader import render_to_string

from apps.ui.charts import (
    Band,
    Bar,
    ForestRow,
    Lane,
    Line,
    Mark,
    TimeChart,
    bars,
    forest,
    spark,
    time_chart,
)
from tests.ui.gallery import DAY_US, HOUR_US, START_US, effects, week

pytestmark = pytest.mark.unit


def small(**changes: object) -> TimeChart:
    """Ten samples an hour apart, from 0 to 9."""
    times = np.arange(10, dtype=np.int64) * HOUR_US
    given: dict[str, object] = {
        "lines": [Line("load", times, np.arange(10.0))],
        "start_us": 0,
        "end_us": 9 * HOUR_US,
        "unit": "rps",
        "title": "Load",
        "height": 100,
    }
    return time_chart(**(given | changes))  # type: ignore[arg-type]  # a test's own mixture


def test_a_line_runs_through_the_box() -> None:
    chart = small()
    assert (chart.low, chart.high) == (0.0, 10.0)
    assert chart.lines[0].path.startswith("M0.0,100.0L111.1,90.0")
    assert chart.lines[0].path.endswith("L1000.0,10.0")
    assert chart.lines[0].values == "0 1 2 3 4 5 6 7 8 9"


def test_a_gap_is_not_bridged_and_a_lone_sample_is_a_dot() -> None:
    times = np.arange(5, dtype=np.int64) * HOUR_US
    values = np.array([1, 2, np.nan, 3, np.nan])
    path = small(lines=[Line("x", times, values)], end_us=4 * HOUR_US).lines[0].path
    assert path.count("M") == 2
    assert path.endswith("h.1")


def test_a_long_series_is_cut_to_its_window_and_to_two_points_a_pixel() -> None:
    n = 200_000
    times = np.arange(n, dtype=np.int64) * 1_000_000
    values = np.zeros(n)
    values[123_456] = 7.0
    chart = small(lines=[Line("x", times, values)], start_us=0, end_us=150_000 * 1_000_000)
    assert len(re.findall("[ML]", chart.lines[0].path)) <= 1800
    assert "7" in chart.lines[0].values.split()
    assert chart.summary.rows[-1].cells[0].n > 0
    assert len(chart.summary.rows) <= 60


def test_bands_lanes_and_marks_lie_where_they_happened() -> None:
    chart = small(
        bands=[
            Band("Incident", -HOUR_US, int(4.5 * HOUR_US), "bad", "/incidents/1"),
            Band("Long ago", -9 * HOUR_US, -8 * HOUR_US, "bad"),
        ],
        lanes=[Lane("Alarms", "warn", [(0, 9 * HOUR_US), (20 * HOUR_US, 21 * HOUR_US)])],
        marks=[Mark("Release 2", 9 * HOUR_US), Mark("Release 1", 9 * HOUR_US - 1)],
    )
    (band,) = chart.bands
    assert (band.x, band.width, band.inline) == ("0.000%", "50.000%", True)
    assert (chart.lanes[0].n, chart.lanes[0].spans[0].width) == (1, "100.000%")
    assert [(mark.label, mark.anchor, mark.labelled) for mark in chart.marks] == [
        ("Release 1", "end", True),
        ("Release 2", "end", False),
    ]
    assert [event.label for event in chart.events] == ["Incident", "Alarms", "Release 1", "Release 2"]
    assert "1 shaded: Incident; Alarms: 1 episode." in chart.description
    assert "load between 0 and 9 rps" in chart.description


def test_nothing_to_show_says_so() -> None:
    chart = small(lines=[], start_us=5, end_us=5)
    assert chart.is_empty
    assert "No samples from" in render_to_string("components/time_chart.html", {"chart": chart})


def test_the_drawn_chart_has_words_numbers_and_links() -> None:
    html = " ".join(render_to_string("components/time_chart.html", {"chart": week(), "zoom": True}).split())
    assert 'aria-label="checkout/latency_p99. 2025-11-05 00:00 UTC to 2025-11-12 00:00 UTC; ' in html
    assert '<a href="/incidents/1">Checkout timeouts</a>' in html
    assert "Alarms before" in html
    assert "By 6 h: minimum, median, maximum" in html
    assert "style=" not in html
    assert week().summary.rows[0].cells[0].low is not None
    assert week().end_us - week().start_us == 7 * DAY_US
    assert week().start_us == START_US


def test_what_comes_from_people_is_escaped() -> None:
    html = render_to_string(
        "components/time_chart.html",
        {"chart": small(bands=[Band('<b>"', 0, HOUR_US)], marks=[Mark("<i>", HOUR_US)])},
    )
    assert "<b>" not in html
    assert "<i>" not in html


def test_more_than_sixty_events_are_counted_not_listed() -> None:
    spans = [(n * 1_000_000, n * 1_000_000 + 1) for n in range(100)]
    chart = small(lanes=[Lane("Alarms", "warn", spans)])
    assert (len(chart.events), chart.n_events) == (60, 100)
    html = render_to_string("components/time_chart.html", {"chart": chart})
    assert "first 60 of 100" in html


def test_effects_lie_on_one_scale_with_no_effect_on_it() -> None:
    chart = effects()
    first, last = chart.rows[0], chart.rows[-1]
    assert (
        float(first.low[:-1]) < float(first.value[:-1]) < float(first.high[:-1]) < float(chart.null_at[:-1])
    )
    assert (first.estimate, first.interval) == ("\u22122.1", "\u22123.2 to \u22121")
    assert (last.estimate, last.value, last.interval) == ("\u2013", "", "")
    html = render_to_string("components/forest.html", {"chart": chart})
    assert '<a href="/actions/1">Learn the weekly batch</a>' in html
    assert "means no effect" in html


def test_effects_without_any_value_still_have_a_scale() -> None:
    chart = forest([ForestRow("x", None, None, None)], unit="", title="Nothing yet")
    assert chart.null_at
    assert forest([], unit="", title="None", null_at=1.0).rows == []


def test_bars_start_at_zero() -> None:
    chart = bars([Bar("a", 4, "/a"), Bar("b", 1), Bar("c", None)], title="Counts")
    assert [(row.text, row.width) for row in chart.rows] == [
        ("4", "100.00%"),
        ("1", "25.00%"),
        ("\u2013", "0.00%"),
    ]
    assert '<a href="/a">a</a>' in render_to_string("components/bars.html", {"chart": chart})


def test_a_spark_says_its_values() -> None:
    assert spark([1, 5, 3], label="Alarms").description == "Alarms: from 1 to 5, last 3"
    assert spark([], label="Alarms").description == "Alarms: no values"
    assert spark([2, 2], label="Alarms").path == "M0.0,14.0L120.0,14.0"

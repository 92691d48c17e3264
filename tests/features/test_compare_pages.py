"""Two releases side by side, and who reads which."""

from __future__ import annotations

import re

import pytest

from apps.features import wording
from tests.features.release_pages import main, served, use
from tests.features.support import CHECKOUT, LOGIN
from tests.reading import queries, text_of

pytestmark = [pytest.mark.page, pytest.mark.django_db]


# --- comparing ------------------------------------------------------------------------------------
def test_two_releases_stand_side_by_side(viewer):
    served({CHECKOUT: {"theta_log2": 0.0, "direction": "up"}, LOGIN: {"min_rel": 0.5}})
    served({CHECKOUT: {"theta_log2": 1.0, "direction": "up"}}, manifest=[{"insight": 3, "revision": 1}])
    served({CHECKOUT: {"theta_log2": 2.0, "direction": "up"}}, manifest=[{"insight": 3, "revision": 2}])
    answer = viewer.get("/releases/1/compare/3")
    seen = text_of(answer)
    assert re.search(r"alarm threshold 12 48", seen)
    assert "1 changed" in seen
    assert LOGIN not in seen
    assert "alarm direction" not in seen
    everything = text_of(viewer.get("/releases/1/compare/3?show=all"))
    assert "1 changed of 2" in everything
    assert LOGIN in everything
    assert re.search(r"alarm direction rises only rises only", everything)
    assert re.search(r"alarm threshold 48 12", text_of(viewer.get("/releases/3/compare/1")))


def test_equal_releases_say_so(viewer):
    served({CHECKOUT: {"theta_log2": 0.0}})
    seen = text_of(viewer.get("/releases/1/compare/1"))
    assert "No series differs" in seen
    assert "The same insights at the same revisions." in seen


def test_two_others_are_picked_by_a_form(viewer):
    for theta in (0.0, 1.0, 2.0):
        served({CHECKOUT: {"theta_log2": theta}})
    answer = viewer.get("/releases/1/compare/2?first=2&second=3")
    assert answer.status_code == 302
    assert answer["Location"] == "/releases/2/compare/3"


@pytest.mark.parametrize(
    ("first", "message"),
    [
        ("9", "There is no release 9."),
        ("", "This field is required."),
        ("0", "greater than or equal to 1"),
        ("99999999999999999999", "less than or equal to"),
        ("two", "Enter a whole number."),
        ("\x00", "Enter a whole number."),
    ],
)
def test_a_wrong_pick_is_told_at_its_field_and_kept(viewer, first, message):
    served({CHECKOUT: {"theta_log2": 0.0}})
    answer = viewer.get("/releases/1/compare/1", {"first": first, "second": "1"})
    assert answer.status_code == 422
    assert message in text_of(answer)
    field = re.search(r'<input[^>]*name="first"[^>]*>', main(answer))
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    if "\x00" not in first and first:
        assert f'value="{first}"' in field[0]


def test_a_comparison_costs_the_same_however_much_differs(viewer):
    served({"a/metric": {"theta_log2": 0.0}})
    served(
        {"a/metric": {"theta_log2": 1.0}, "b/metric": {"theta_log2": 1.0}},
        manifest=[{"insight": 1, "revision": 1}],
    )
    viewer.get("/releases/1/compare/2")
    few = queries(viewer, "/releases/1/compare/2")
    served(
        {f"s{i}/metric": {"theta_log2": 1.0} for i in range(12)},
        manifest=[{"insight": i, "revision": 1} for i in range(1, 13)],
    )
    assert queries(viewer, "/releases/1/compare/3") == few


# --- consumers ------------------------------------------------------------------------------------
def test_consumers_are_shown_at_what_they_read_last(viewer):
    for theta in (0.0, 1.0, 2.0):
        served({CHECKOUT: {"theta_log2": theta}})
    use("late/token", "detection", 1, reads=1000, minutes_ago=60)
    use("late/token", "detection", 2, reads=234, minutes_ago=30)
    use("fresh/token", "detection", 3)
    use("fixed/token", "detection__r1", 1)
    use("risk/token", "service_history", 0)
    seen = text_of(viewer.get("/consumers"))
    active, pinned = wording.service("detection"), wording.service("detection__r1")
    assert re.search(rf"late/token detection {active} 2 1 behind 30 min ago", seen)
    assert "1,234" in seen or "1 234" in seen
    assert re.search(rf"fresh/token detection {active} 3 Up to date", seen)
    assert re.search(rf"fixed/token detection__r1 {pinned} 1 Pinned on purpose 2 behind", seen)
    assert re.search(r"risk/token service_history incidents, reviews and open actions .* has none", seen)
    one = text_of(viewer.get("/consumers?consumer=late/token"))
    assert re.search(rf"detection {active} 2 1 behind .* detection {active} 1 2 behind", one)
    assert "fresh/token" not in one
    of_first = text_of(viewer.get("/consumers?release=1"))
    assert "Readers of release 1" in of_first
    assert "late/token" in of_first
    assert "fixed/token" in of_first
    assert "fresh/token" not in of_first


@pytest.mark.parametrize("query", ["consumer=nobody", "release=77", "consumer=%00", "release=99999999999999"])
def test_a_search_without_results_says_so(viewer, query):
    assert viewer.get(f"/consumers?{query}").status_code == 200


def test_without_any_reader_the_page_says_how_to_become_one(viewer):
    assert "Nobody reads features yet" in text_of(viewer.get("/consumers"))
    use("m/t", "detection", 1)
    assert "No reading like this has been counted." in text_of(viewer.get("/consumers?consumer=x"))


def test_consumers_cost_the_same_however_many_there_are(viewer):
    served({CHECKOUT: {"theta_log2": 0.0}})
    for i in range(2):
        use(f"m{i}/t", "detection", 1)
    viewer.get("/consumers")
    few = queries(viewer, "/consumers")
    for i in range(12):
        use(f"n{i}/t", "detection", 1)
    assert queries(viewer, "/consumers") == few

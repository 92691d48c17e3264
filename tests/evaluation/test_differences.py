"""Verdicts of a comparison over services: what is found, what is not, and what nobody can tell yet."""

from __future__ import annotations

import pytest

from apps.analysis.accounting import Counts
from apps.evaluation import differences
from apps.evaluation.ablation import Piece
from apps.evaluation.differences import Arms

pytestmark = pytest.mark.unit
DAY_US = 86_400_000_000


def counts(false_alarms: int, detected: int = 2, incidents: int = 2) -> Counts:
    return Counts(
        incidents=incidents,
        detected=detected,
        false_alarms=false_alarms,
        monitored_us=30 * DAY_US,
        delays_s=(60.0,) * detected,
        censored_s=(600.0,) * (incidents - detected),
    )


def arms(before: list[Counts], after: list[Counts], *, gained: int = 0, lost: int = 0) -> Arms:
    names = [f"service{number:02}" for number in range(len(before))]
    return Arms(
        dict(zip(names, before, strict=True)), dict(zip(names, after, strict=True)), gained, lost, 0.2
    )


def verdicts(found: Arms) -> dict[str, str]:
    return {metric: entry["verdict"] for metric, entry in differences.difference(found).items()}


def test_fewer_false_alarms_in_every_service_are_found():
    found = arms([counts(8 + number % 3) for number in range(40)], [counts(3)] * 40)
    assert verdicts(found) == {
        "utility": "improved",
        "false_alarms": "improved",
        "detected": "no_evidence",
        "recall": "no_evidence",
    }


def test_the_arms_swapped_turn_the_verdict():
    found = arms([counts(3)] * 40, [counts(8 + number % 3) for number in range(40)])
    told = verdicts(found)
    assert (told["utility"], told["false_alarms"]) == ("worse", "worse")


def test_eleven_services_that_differ_are_too_few():
    same = [counts(5)] * 20
    found = arms([*same, *[counts(9 + number) for number in range(11)]], [*same, *[counts(1)] * 11])
    told = differences.difference(found)["utility"]
    assert (told["verdict"], told["n"], told["services"]) == ("too_few_data", 11, 31)
    assert told["reason"] == "11 services differ; at least 12 are needed to tell"


def test_moves_both_ways_are_no_evidence():
    found = arms(
        [counts(5 + number % 2) for number in range(30)], [counts(6 - number % 2) for number in range(30)]
    )
    assert verdicts(found)["false_alarms"] == "no_evidence"


def test_silence_bought_with_missed_incidents_is_no_improvement():
    found = arms([counts(20 + number % 3) for number in range(15)], [counts(2, detected=1)] * 15, lost=15)
    told = differences.difference(found)
    assert told["recall"]["verdict"] == "worse"
    assert told["false_alarms"]["verdict"] == "no_evidence"
    assert "a fall of recall by 10% is not ruled out" in told["false_alarms"]["reason"]


def test_nineteen_incidents_say_nothing_of_recall():
    found = arms([counts(1, 0, 1)] * 19, [counts(1, 1, 1)] * 19, gained=19)
    told = differences.difference(found)["recall"]
    assert (told["verdict"], told["n"]) == ("too_few_data", 19)
    more = arms([counts(1, 0, 1)] * 20, [counts(1, 1, 1)] * 20, gained=20)
    assert differences.difference(more)["recall"]["verdict"] == "improved"


def test_without_incidents_recall_is_unknown():
    told = differences.difference(arms([counts(5, 0, 0)] * 14, [counts(1, 0, 0)] * 14))
    assert told["recall"]["effect"] is None
    assert told["false_alarms"]["verdict"] == "no_evidence"  # nobody knows the price of that silence


def test_a_contribution_is_the_sum_of_its_pieces():
    found = arms([counts(5)] * 3, [counts(3)] * 3)
    pieces = [
        Piece("service00", "latency", False, -2.0, 0.5, -1.0),
        Piece("service00", "errors", True, 1.0, 0.25, 0.0),
        Piece("service02", "latency", False, -1.0, 0.0, -1.0),
    ]
    told = differences.contribution(pieces, found)
    assert told["shapley"] == pytest.approx(1 + 0.2 * 3)
    assert told["leave_one_out"] == pytest.approx(0.4)
    assert told["by_service"] == pytest.approx({"service00": 1.4, "service02": 0.2})
    assert told["by_family"] == pytest.approx({"errors": 1.0, "latency": 0.6})
    assert told["by_metric"] == pytest.approx(
        {"utility": 1.6, "detected": 1.0, "false_alarms": -3.0, "recall": 1 / 6}
    )
    half = 0.2 * 0.5 + 0.25
    assert told["sampling"] == {
        "low": pytest.approx(1.6 - half),
        "high": pytest.approx(1.6 + half),
        "exact": False,
    }
    assert (told["services"], told["verdict"]) == (2, "too_few_data")


def test_who_contributes_nothing_has_no_interval():
    told = differences.contribution([], arms([counts(5)] * 3, [counts(3)] * 3))
    assert (told["shapley"], told["low"], told["high"], told["p"]) == (0.0, None, None, 1.0)

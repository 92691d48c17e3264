"""What a measurement is worth, without a database."""

from __future__ import annotations

from typing import Any

import pytest

from apps.analysis.types import DAY_US, HOUR_US, Interval
from apps.impact import judging
from apps.impact.results import Measurement, Seen, SeriesResult, once

pytestmark = pytest.mark.unit
FALSE_ALARMS = "false_alarms_per_day"
CAUGHT, MISSED = 60.0, None


def seen(series_id: str, start_h: int, *sources: str, delays: tuple[float | None, float | None]) -> Seen:
    interval = Interval(start_h * HOUR_US, (start_h + 1) * HOUR_US)
    return Seen(series_id, interval, *delays, frozenset(sources))


def series(series_id: str, *, before: int = 0, after: int = 0, incidents: list[Seen] | None = None) -> Any:
    """One false alarm a day on each of so many days, and these incidents."""
    return SeriesResult(
        series_id=series_id,
        held_out_us=30 * DAY_US,
        counted_at=([day * DAY_US for day in range(before)], [day * DAY_US for day in range(after)]),
        incidents=incidents or [],
        drills=[],
        unscored=[],
        own=[],
        split_hash="0" * 64,
        data_hash="1" * 64,
    )


def judged(*found: Any, metric: str = FALSE_ALARMS, **aim: Any) -> judging.Judgement:
    return judging.judge(
        Measurement([*found], [], 0.1), metric=metric, smallest_effect=aim.pop("smallest_effect", None), **aim
    )


def incidents(series_id: str, *delays: tuple[float | None, float | None]) -> list[Seen]:
    return [
        seen(series_id, 10 * number, f"incident:{series_id}{number}", delays=pair)
        for number, pair in enumerate(delays)
    ]


def test_eleven_service_days_are_too_few_and_thirteen_are_enough() -> None:
    kept = [incidents(f"{name}/x", (CAUGHT, CAUGHT)) for name in "ab"]
    few = judged(series("a/x", before=11, incidents=kept[0]), series("b/x", incidents=kept[1]))
    assert (few.verdict, few.n) == ("too_few_data", 11)
    assert few.reason.startswith("11 service-days differ")
    enough = judged(series("a/x", before=13, incidents=kept[0]), series("b/x", incidents=kept[1]))
    assert (enough.verdict, enough.n, enough.method) == ("improved", 13, "sign-flip test over service-days")


def test_alarms_of_one_service_on_one_day_are_one_difference() -> None:
    found = judged(*(series(f"a/{number}", before=5) for number in range(4)))
    assert (found.verdict, found.n) == ("too_few_data", 5)


def test_fewer_false_alarms_without_an_incident_are_no_evidence() -> None:
    found = judged(series("a/x", before=20))
    assert found.verdict == "no_evidence"
    assert found.reason == (
        "Fewer false alarms; whether incidents are still caught is not known: no held-out incident"
    )


@pytest.mark.parametrize(
    ("delays", "wanted"),
    [
        ({"a": [(CAUGHT, CAUGHT)], "b": [(CAUGHT, CAUGHT)]}, "improved"),
        ({"a": [(CAUGHT, CAUGHT)] * 60}, "improved"),  # one service: exact, over incidents
        ({"a": [(CAUGHT, CAUGHT)] * 5}, "no_evidence"),
        ({"a": [(CAUGHT, CAUGHT)], "b": [(CAUGHT, MISSED)], "c": [(CAUGHT, CAUGHT)]}, "no_evidence"),
        ({"a": [(CAUGHT, MISSED)], "b": [(CAUGHT, MISSED)]}, "no_evidence"),  # all differ by the same
        ({"a": [(MISSED, CAUGHT)], "b": [(MISSED, CAUGHT)]}, "improved"),
        ({"a": [(CAUGHT, MISSED)] * 6, "b": [(CAUGHT, CAUGHT)]}, "worse"),
    ],
)
def test_improved_means_that_a_fall_of_recall_is_ruled_out(
    delays: dict[str, list[tuple[float | None, float | None]]], wanted: str
) -> None:
    found = judged(
        *(
            series(f"{name}/x", before=20, incidents=incidents(f"{name}/x", *pairs))
            for name, pairs in delays.items()
        )
    )
    assert found.verdict == wanted, found.reason


def test_looks_multiply_p_and_take_a_finding_back() -> None:
    kept = [series(f"{name}/x", incidents=incidents(f"{name}/x", (CAUGHT, CAUGHT))) for name in "bc"]
    day = [series("a/x", before=18, after=4), *kept]
    once_seen, often = judged(*day), judged(*day, looks=1000)
    assert once_seen.verdict == "improved"
    assert once_seen.p is not None
    assert often.p == pytest.approx(min(1.0, 1000 * once_seen.p))
    assert often.verdict == "no_evidence"
    assert judged(*day, looks=10**6).p == 1.0


def test_a_declared_effect_that_could_hardly_be_seen_is_too_few_data_even_with_enough_days() -> None:
    kept = [series(f"{name}/x", incidents=incidents(f"{name}/x", (CAUGHT, CAUGHT))) for name in "bc"]
    found = judged(series("a/x", before=20), *kept, smallest_effect=0.05)
    assert (found.verdict, found.power) == ("too_few_data", 0.0)
    assert "declared as the smallest" in found.reason
    assert judged(series("a/x", before=20), *kept, smallest_effect=0.9).verdict == "improved"


def test_recall_needs_twenty_incidents_and_the_declared_power() -> None:
    pairs = [(CAUGHT, MISSED)] * 9 + [(CAUGHT, CAUGHT)] * 12
    found = judged(series("a/x", incidents=incidents("a/x", *pairs)), metric="recall")
    assert (found.verdict, found.n) == ("worse", 21)
    few = judged(series("a/x", incidents=incidents("a/x", *pairs[:19])), metric="recall")
    assert few.verdict == "too_few_data"
    weak = judged(series("a/x", incidents=incidents("a/x", *pairs)), metric="recall", smallest_effect=0.1)
    assert weak.verdict == "too_few_data"
    loud = judged(series("a/x", incidents=incidents("a/x", *pairs)), metric="recall", smallest_effect=0.6)
    assert loud.verdict == "worse", "what got worse does not take the power away"


def test_time_to_detect_needs_twenty_incidents_that_either_way_caught() -> None:
    pairs = [(600.0, 60.0)] * 19 + [(MISSED, MISSED)] * 5
    found = judged(series("a/x", incidents=incidents("a/x", *pairs)), metric="time_to_detect")
    assert (found.verdict, found.n, found.excluded) == ("too_few_data", 19, 5)
    more = [*pairs, (600.0, 60.0)]
    found = judged(series("a/x", incidents=incidents("a/x", *more)), metric="time_to_detect")
    assert found.verdict == "improved"


def test_an_incident_that_several_series_saw_is_one() -> None:
    found = once(
        [
            seen("a/x", 10, "incident:7", delays=(300.0, MISSED)),
            seen("b/y", 12, "incident:7", delays=(120.0, 900.0)),
        ]
    )
    assert [(one.before_delay_s, one.after_delay_s, one.lost) for one in found] == [(120.0, 900.0, False)]


def test_two_declared_incidents_at_one_time_are_two() -> None:
    found = once(
        [
            seen("a/x", 10, "incident:7", delays=(1.0, 1.0)),
            seen("a/y", 10, "incident:8", delays=(1.0, 1.0)),
        ]
    )
    assert len(found) == 2


def test_a_label_that_links_two_declared_incidents_makes_them_one() -> None:
    found = once(
        [
            seen("a/x", 10, "incident:7", delays=(1.0, 1.0)),
            seen("a/y", 12, "incident:8", delays=(1.0, 1.0)),
            seen("a/z", 10, "incident:7", "incident:8", delays=(MISSED, MISSED)),
        ]
    )
    assert len(found) == 1


def test_labels_of_other_sources_are_one_incident_where_they_overlap_within_a_service() -> None:
    found = once(
        [
            seen("a/x", 10, "import", delays=(1.0, MISSED)),
            seen("a/y", 10, "import", delays=(MISSED, 5.0)),
            seen("b/y", 10, "import", delays=(1.0, 1.0)),
            seen("a/x", 20, "import", delays=(1.0, 1.0)),
            seen("a/z", 20, "incident:9", delays=(1.0, 1.0)),
        ]
    )
    assert sorted(len(one.seen) for one in found) == [1, 2, 2]

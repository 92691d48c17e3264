from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.incidents.codes import Precision, TimeKind, TimeStatus
from apps.incidents.metrics import DEFINITIONS, WHY, WIDTH_S, TimeValue, metrics

pytestmark = pytest.mark.unit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=47_000)).map(lambda since: EPOCH + since)
RECORDED = st.builds(TimeValue, st.just("recorded"), MOMENTS, st.just(""), st.sampled_from(Precision.values))
OTHER = st.builds(TimeValue, st.sampled_from(sorted(WHY)))
TIMES = st.dictionaries(st.sampled_from(TimeKind.values), RECORDED | OTHER)


@given(TIMES)
def test_a_duration_is_there_exactly_when_both_its_times_are(times: dict[str, TimeValue]) -> None:
    found = metrics(times)
    assert list(found) == ["ttd", "tta", "tte", "ttm", "ttr"]
    for definition in DEFINITIONS:
        metric = found[definition.code]
        start, end = times.get(definition.start), times.get(definition.end)
        if start and end and start.at and end.at:
            assert metric.seconds == (end.at - start.at) / timedelta(seconds=1)
            assert metric.reason == ""
            assert metric.within_s == max(WIDTH_S[start.precision], WIDTH_S[end.precision])
        else:
            assert metric.seconds is None
            assert metric.reason.endswith(".")


@given(TIMES, st.timedeltas(min_value=timedelta(days=-99), max_value=timedelta(days=99)))
def test_durations_do_not_depend_on_when_it_was(times: dict[str, TimeValue], shift: timedelta) -> None:
    moved = {
        kind: TimeValue(value.status, value.at + shift if value.at else None, "", value.precision)
        for kind, value in times.items()
    }
    assert {code: metric.seconds for code, metric in metrics(times).items()} == {
        code: metric.seconds for code, metric in metrics(moved).items()
    }


def test_each_missing_time_has_a_reason_of_its_own() -> None:
    start = TimeValue("recorded", datetime(2026, 1, 1, tzinfo=UTC))
    reasons = {
        status: metrics({"impact_start": start, "detected": TimeValue(status)})["ttd"].reason
        for status in TimeStatus.values
        if status != "recorded"
    }
    assert reasons == {
        "pending": "The detection is not known yet.",
        "not_applicable": "The detection does not apply.",
        "invalid": "The detection is known to be wrong.",
    }


def test_the_precisions_are_those_of_the_codes() -> None:
    assert set(WIDTH_S) == set(Precision.values)
    assert set(WHY) == set(TimeStatus.values) - {"recorded"}

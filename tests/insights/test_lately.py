"""The replay on the last days: what it counts, where it ends, what the card and the API say of it."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.common.errors import InvalidInputError
from apps.insights import evidence, lately
from apps.insights.models import GateResult
from apps.telemetry import reading
from tests.insights.making import approve, person, propose
from tests.insights.streams import LATENCY, ORDERS, SPARE_BURSTS, midnight, stream
from tests.insights.test_gate import START, load
from tests.people import api_of
from tests.reading import queries, signed_in, text_of

pytestmark = [pytest.mark.page, pytest.mark.django_db]

BURSTS = [{"kind": "min_effect", "value": {"rel": 1.5}}]


def of_newest(insight, *, served=False, days=28):
    return lately.last_days(evidence.newest(insight.pk, reader=person())[1], served=served, days=days)


def test_it_counts_alerts_that_came_and_went_of_the_training_part_until_served_then_of_all():
    load()
    insight = propose(signals=BURSTS)
    found = of_newest(insight)
    ((service, row),) = found.services
    assert (service, row.series, row.gained) == ("checkout", 1, 0)
    assert row.lost == row.before - row.after > 0
    assert row.lost_in_incidents == 0
    assert row.per_day_before == pytest.approx(row.before / row.days)
    assert row.after == 2  # the incidents of the training part
    approve(insight, why="")
    everything = of_newest(insight, served=True)
    assert everything.total.after == 4
    assert everything.total.days > found.total.days


def test_fewer_days_are_the_last_ones():
    load(bursts=0)
    insight = propose(signals=BURSTS)
    approve(insight, why="No burst, no evidence: tried on purpose.")
    week, all_days = of_newest(insight, served=True, days=7), of_newest(insight, served=True, days=28)
    # Three weeks of telemetry; the incidents begin at rows 1200, 2400, 3600 and 4800 of 6048.
    assert week.total.days == pytest.approx(7)
    assert (week.total.before, all_days.total.before) == (1, 4)


def test_the_page_says_which_days_and_turns_to_others():
    load()
    insight = propose(signals=BURSTS)
    browser = signed_in(person(Role.REVIEWER))
    card = browser.get(f"/insights/{insight.pk}").content.decode()
    assert f'hx-get="/insights/{insight.pk}/last-days"' in card
    page = browser.get(f"/insights/{insight.pk}/last-days", {"days": 7})
    assert "The last 7 days of the training part of each series, not of its telemetry" in text_of(page)
    row = page.context["last"].total
    assert f"checkout 1 {row.before} → {row.after} 0 {row.lost}, 0 in incidents" in text_of(page)
    usual = browser.get(f"/insights/{insight.pk}/last-days", headers={"HX-Request": "true"})
    assert (usual.context["last"].days, "<html" in usual.content.decode()) == (28, False)
    assert 'aria-current="true">28 days' in " ".join(usual.content.decode().split())
    assert "No series goes back that far" in text_of(usual)
    wrong = browser.get(f"/insights/{insight.pk}/last-days", {"days": "8"})
    assert wrong.status_code == 422
    assert "Ask for 7, 14, 28 or 90 days." in text_of(wrong)
    approve(insight, why="")
    served = text_of(browser.get(f"/insights/{insight.pk}/last-days"))
    assert "The last 28 days of all telemetry of each series" in served


def test_it_says_why_there_is_nothing():
    browser = signed_in(person())
    assert "has enough samples" in text_of(browser.get(f"/insights/{propose().pk}/last-days"))
    prose = propose(signals=[], prose_reason="No column for it.")
    assert "no signal to replay" in text_of(browser.get(f"/insights/{prose.pk}/last-days"))
    assert browser.get("/insights/987654/last-days").status_code == 404
    with pytest.raises(InvalidInputError):
        lately.days_of("28.0")


def test_the_price_in_queries_does_not_grow_with_the_series():
    start = midnight(START)
    stream(LATENCY, start, 10, incidents=(2, 7))
    stream(ORDERS, start, 10, incidents=(2, 7))
    one = propose(scope={"series": [LATENCY]}, signals=SPARE_BURSTS)
    two = propose(scope={"series": [LATENCY, ORDERS]}, signals=SPARE_BURSTS)
    browser = signed_in(person())
    price = queries(browser, f"/insights/{one.pk}/last-days")
    assert queries(browser, f"/insights/{two.pk}/last-days") == price
    found = of_newest(two)
    assert [service for service, _ in found.services] == ["cart", "checkout"]
    assert found.total.before == sum(row.before for _, row in found.services) > 0


def test_several_series_read_at_once_are_those_read_one_by_one():
    start = midnight(START)
    stream(LATENCY, start, 4, incidents=(1, 2))
    stream(ORDERS, start, 3, incidents=(1,))
    names = [LATENCY, ORDERS, "nobody/knows"]
    samples, labels = reading.read_all(names), reading.labels_of(names)
    for name in (LATENCY, ORDERS):
        alone = reading.read(name)
        assert samples[name].times.tolist() == alone.times.tolist()
        assert samples[name].values.tolist() == alone.values.tolist()
        assert labels[name] == reading.labels(name) != []
    assert (len(samples["nobody/knows"]), labels["nobody/knows"]) == (0, [])


def test_the_api_gives_the_same_figures_and_the_gate_by_series():
    load()
    insight = propose(signals=BURSTS)
    reader = api_of(person(), "insights:read")
    given = reader.get(f"/api/v1/insights/{insight.pk}/evidence", {"days": 14}).json()
    found, result = of_newest(insight, days=14), GateResult.objects.get()
    told = given["last_days"]
    assert (given["served"], told["part"], told["days"]) == (False, "training", 14)
    assert told["total"]["lost"] == found.total.lost > 0
    assert told["services"][0]["service"] == "checkout"
    (row,) = given["gate"]["series"]
    report = result.report["series"]["checkout/latency_p99"]
    assert row["false_alarms_after"] - row["false_alarms_before"] == report["d_fp"] < 0
    assert (row["incidents"], row["gained"], row["lost"]) == (2, 0, 0)
    for name in ("code", "data_hash", "split_hash"):
        assert given["gate"][name] == getattr(result, name) != ""
    card = text_of(signed_in(person()).get(f"/insights/{insight.pk}"))
    assert f"checkout/latency_p99 2 0 0 {row['false_alarms_before']} → {row['false_alarms_after']}" in card
    assert f"Split {result.split_hash[:12]} , data {result.data_hash[:12]} , code {result.code[:12]}" in card
    assert reader.get(f"/api/v1/insights/{insight.pk}/evidence", {"days": 1}).json()["errors"]


def test_signals_that_contradict_what_is_in_force_are_named_not_a_crash():
    load()
    low = propose(signals=[{"kind": "hard_limit", "value": {"hi": 50}}])
    approve(low)
    clash = propose(signals=[{"kind": "hard_limit", "value": {"lo": 60}}])
    browser = signed_in(person())
    for panel in ("last-days", "evidence"):
        page = browser.get(f"/insights/{clash.pk}/{panel}")
        assert page.status_code == 200
        assert "It contradicts what is in force" in text_of(page)

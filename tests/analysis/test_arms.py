from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from apps.analysis import arms, evidence, gate, grid, rules
from apps.analysis.cases import Case, Effect
from apps.analysis.profiles import DEFAULT_SETTING, VECTOR, Vector, apply
from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import Setting, Telemetry
from tests.analysis.makers import at, calm, noisy_series, series

pytestmark = pytest.mark.unit

LOOSE = Setting(theta=8.0)


def case_of(telemetry, labels):
    return Case.build(telemetry, labels, GENERAL_RULES)


@pytest.fixture(scope="module")
def noisy():
    return case_of(*noisy_series())


def test_the_grid_holds_1680_different_settings():
    settings = list(grid.settings())
    assert grid.SIZE == len(settings) == len(set(settings)) == 1680
    assert settings[0].theta == min(grid.THETAS)


def test_one_pass_over_the_grid_counts_what_each_setting_alone_would():
    telemetry, labels = noisy_series(days=12, incidents=4)
    values = telemetry.values.copy()
    values[[700, 701, 1500]] = np.nan
    case = case_of(Telemetry(telemetry.times, values), labels)
    for position in range(0, grid.SIZE, 37):
        effect = case.effect(grid.setting_at(position))
        assert case.train_outcomes.detected.flat[position] == len(effect.hits), position
        assert case.train_outcomes.false_alarms.flat[position] == effect.false_alarms, position


def test_the_fleet_default_has_the_best_mean_training_utility(noisy):
    fleet = arms.Fleet([noisy])
    best = max(noisy.effect(grid.setting_at(p)).utility(0.2) for p in range(0, grid.SIZE, 7))
    assert noisy.effect(fleet.default()).utility(0.2) >= best


def test_a_fleet_without_anything_to_tell_settings_apart_keeps_the_documented_default():
    assert arms.Fleet([]).default() == DEFAULT_SETTING
    assert arms.Fleet([case_of(series(np.ones(500)), [])]).default() == DEFAULT_SETTING


def test_plain_tuning_moves_the_threshold_alone(noisy):
    tuned = arms.threshold_only(noisy, LOOSE)
    assert replace(tuned, theta=LOOSE.theta) == LOOSE
    assert noisy.effect(tuned).utility(0.2) >= noisy.effect(LOOSE).utility(0.2)


def test_plain_tuning_keeps_the_default_among_equals():
    assert arms.threshold_only(case_of(series(calm(1000)), []), Setting(theta=30.0)) == Setting(theta=30.0)


def test_rules_find_what_sets_incidents_apart(noisy):
    vector = arms.adopt(noisy, LOOSE)
    before, after = noisy.effect(LOOSE), noisy.effect(apply(LOOSE, vector))
    assert before.false_alarms >= 5
    assert vector  # the false alarms are single spikes upwards, the incidents long dips
    assert after.false_alarms == 0
    assert after.hits == before.hits == frozenset(range(3))


def test_a_rule_proposes_the_direction_only_if_all_incidents_agree():
    values = calm(4000)
    values[1000:1010] += 30
    values[1500:1510] -= 30
    one = series(values)
    both = case_of(one, [at(one, 1000, 1009), at(one, 1500, 1509), at(one, 3000, 3001), at(one, 3500, 3501)])
    kinds = {proposal.kind for proposal in rules.propose(both, LOOSE, {})}
    assert "direction" not in kinds
    assert {"theta_scale", "min_effect", "persistence", "baseline"} <= kinds
    up = case_of(one, [at(one, 1000, 1009), at(one, 3500, 3501)])
    assert [p.columns for p in rules.propose(up, LOOSE, {}) if p.kind == "direction"] == [{"direction": "up"}]


def test_the_proposed_threshold_lies_between_benign_and_incident_peaks(noisy):
    peaks = evidence.peaks(noisy, Setting(theta=8.0, direction="down"))
    assert peaks.incidents.min() > peaks.benign.max()
    thetas = [
        apply(LOOSE, p.columns).theta
        for p in rules.propose(noisy, LOOSE, {"direction": "down"})
        if p.kind == "theta_scale"
    ]
    assert thetas
    assert all(theta <= peaks.incidents.min() for theta in thetas)
    assert any(theta >= peaks.benign.max() for theta in thetas)


def test_a_series_without_incident_and_with_two_false_alarms_learns_nothing():
    values = calm(2000)
    values[[500, 800]] += 60
    case = case_of(series(values), [])
    assert case.effect(LOOSE).false_alarms == 2
    learnt = arms.learn(case, LOOSE, arms.Fleet([case]))
    assert learnt == {
        "n_incidents": 0, "n_benign": 2, "benign_peak_q90_log": learnt["benign_peak_q90_log"],
        "benign_same_hour": 0.5, "precision_past": 0.0, "confidence": 0.285714,
    }  # fmt: skip


def test_a_series_without_incident_and_with_three_false_alarms_may_learn():
    values = calm(2000)
    values[[500, 650, 800]] += 60
    case = case_of(series(values), [])
    learnt = arms.learn(case, LOOSE, arms.Fleet([case]))
    assert learnt["n_benign"] == 3
    assert case.effect(apply(LOOSE, learnt)).false_alarms == 0


def test_what_is_learnt_gains_over_lambda_and_fits_the_vector(noisy):
    fleet = arms.Fleet([noisy, case_of(*noisy_series(seed=2))])
    default = Setting(theta=4.0, direction="both", min_rel=0.0, baseline="level")
    for case in fleet.cases:
        learnt = arms.learn(case, default, fleet)
        before, after = case.effect(default), case.effect(apply(default, learnt))
        assert after.utility(0.2) > before.utility(0.2) + 0.2
        types = dict(VECTOR)
        for column, value in learnt.items():
            assert type(value) is {"float": float, "int": int, "str": str}[types[column]], column
        assert learnt["n_incidents"] == 3
        assert learnt["dir_mean"] == -1.0
        assert learnt["dur_med_s"] == 11 * 300
        assert learnt["confidence"] == pytest.approx(1 - 1 / (1 + 3 + 0.2 * before.false_alarms), abs=1e-6)


def test_learning_is_blind_to_the_held_out_slice():
    telemetry, labels = noisy_series()
    split = case_of(telemetry, labels).split
    values = telemetry.values.copy()
    values[split.test.first :] = 1e6 * np.random.default_rng(0).standard_normal(
        values.size - split.test.first
    )
    learnt = []
    for one in (telemetry, Telemetry(telemetry.times, values)):
        case = case_of(one, labels)
        fleet = arms.Fleet([case])
        default = fleet.default()
        learnt.append((default, arms.threshold_only(case, default), arms.learn(case, default, fleet)))
    assert learnt[0] == learnt[1]


def test_a_signal_that_only_decorates_another_is_pruned(noisy):
    vector = {"direction": "down", "min_rel": 0.05, "theta_log2": 0.25}
    assert noisy.effect(apply(LOOSE, vector)) == noisy.effect(apply(LOOSE, {"direction": "down"}))
    assert arms.prune(noisy, LOOSE, vector) == {"direction": "down"}
    assert arms.prune(noisy, LOOSE, {}) == {}


def test_what_adds_false_alarms_earns_no_place_whatever_it_detects(noisy):
    quiet, loud = Effect(frozenset({0}), 1), Effect(frozenset({0, 1, 2}), 2)
    assert gate.gains(quiet, loud, 0.2)
    assert not arms.earns(quiet, loud, 0.2)
    assert arms.earns(loud, Effect(frozenset({0, 1, 2}), 0), 0.2)
    assert arms.earns(quiet, Effect(frozenset({0, 1}), 1), 0.2)
    # A deaf default would gain an incident by any lower threshold; nothing learnt makes it louder.
    deaf = Setting(theta=60.0)
    learnt = arms.learn(noisy, deaf, arms.Fleet([noisy]))
    assert noisy.effect(apply(deaf, learnt)).false_alarms <= noisy.effect(deaf).false_alarms


@pytest.fixture(scope="module")
def neighbours():
    """Two series with incidents downwards, and one with two false alarms alone: too little to learn from."""
    values = calm(2000, seed=9)
    values[[500, 800]] += 60
    return [case_of(*noisy_series(seed=4)), case_of(*noisy_series(seed=5)), case_of(series(values), [])]


def test_a_series_that_taught_itself_nothing_takes_what_its_service_shares(neighbours):
    *_, silent = neighbours
    fleet = arms.Fleet(neighbours)
    service = arms.Service(neighbours, fleet)
    shared = service.vector(LOOSE)
    assert shared
    alone, together = (
        arms.learn(silent, LOOSE, fleet),
        arms.learn(silent, LOOSE, fleet, service),
    )
    assert arms.signals(alone) == []
    raised = apply(LOOSE, shared).theta > LOOSE.theta
    assert arms.signals(together) == ([] if raised else arms.signals(shared))
    assert together["n_incidents"] == 0


def test_a_service_raises_no_threshold_where_a_series_has_no_evidence(neighbours):
    *_, silent = neighbours

    class Raising(arms.Service):
        def vector(self, default):
            return {"theta_log2": 1.0}

    fleet = arms.Fleet(neighbours)
    assert arms.signals(arms.learn(silent, LOOSE, fleet, Raising(neighbours, fleet))) == []


def test_a_service_of_one_series_shares_nothing(noisy):
    fleet = arms.Fleet([noisy])
    assert arms.Service([noisy], fleet).vector(LOOSE) == {}
    assert arms.learn(noisy, LOOSE, fleet, arms.Service([noisy], fleet)) == arms.learn(noisy, LOOSE, fleet)


def test_a_series_refuses_what_would_cost_it_something(neighbours):
    loud = neighbours[0]

    class Wrong(arms.Service):
        def vector(self, default):
            return {"direction": "up"}  # its incidents go down

    fleet = arms.Fleet(neighbours)
    learnt = arms.learn(loud, LOOSE, fleet, Wrong(neighbours, fleet))
    assert learnt == arms.learn(loud, LOOSE, fleet)


def test_signals_apart_are_the_vector_without_its_description():
    vector: Vector = {
        "theta_log2": 1.0, "persist_k": 2, "persist_n": 3, "n_incidents": 4, "confidence": 0.5,
    }  # fmt: skip
    assert arms.signals(vector) == [{"theta_log2": 1.0}, {"persist_k": 2, "persist_n": 3}]
    assert arms.signals({}) == []


def test_columns_between_settings_lead_from_one_to_the_other():
    target = Setting(theta=16.0, direction="up", min_rel=0.5, persist_k=2, persist_n=3, baseline="daily")
    columns = arms.columns_between(LOOSE, target)
    assert columns is not None
    assert apply(LOOSE, columns) == target
    assert arms.columns_between(LOOSE, LOOSE) == {}
    assert arms.columns_between(LOOSE, Setting(theta=8 * 2**3.5)) is None


def test_evidence_counts_recurring_false_alarms_by_hour():
    rows = 20 * 288
    values = calm(rows)
    nights = np.arange(3, 20) * 288 + 12 * 3  # 03:00 every day
    values[nights] += 60
    found = evidence.describe(evidence.gather(case_of(series(values), []), LOOSE))
    assert found["n_benign"] == 7
    assert found["benign_same_hour"] == 1.0

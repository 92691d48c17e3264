from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apps.analysis.split import GENERAL_RULES
from apps.analysis.types import Setting
from apps.evaluation import misdealing, replay
from apps.evaluation.inputs import Inputs
from tests.analysis.makers import calm, noisy_series, series

if TYPE_CHECKING:
    from apps.analysis.profiles import Vector

pytestmark = pytest.mark.unit

KEYS = {
    "deals", "adopted_share", "not_worse_than_default", "ungated_mean_utility", "gated_mean_utility",
    "default_mean_utility", "dealt", "adopted", "seed",
}  # fmt: skip


def upside_down(seed):
    """Incidents upwards and false alarms downwards: what the others learnt is wrong here."""
    telemetry, labels = noisy_series(seed=seed)
    return replace(telemetry, values=200 - telemetry.values), labels


def prepared(found):
    given = Inputs(
        series={name: telemetry for name, (telemetry, _) in found.items()},
        incidents={name: labels for name, (_, labels) in found.items()},
        rules=GENERAL_RULES,
    )
    study = replay.prepare(given)
    return study, replay.learn(study)


@pytest.fixture(scope="module")
def opposed():
    """Two services that need the opposite of each other, and a default that knows neither."""
    study, _ = prepared(
        {
            "shop/errors": noisy_series(seed=1),
            "shop/latency": noisy_series(seed=2),
            "cart/orders": upside_down(3),
            "cart/stock": upside_down(4),
        }
    )
    vectors: dict[str, Vector] = {
        name: {"direction": "down" if name.startswith("shop") else "up"} for name in study.cases
    }
    return study, replay.Lessons(Setting(theta=8.0), {}, vectors)


def test_what_was_learnt_elsewhere_harms_blindly_and_not_behind_the_gate(opposed):
    study, lessons = opposed
    seen = []
    found = misdealing.deal(study, lessons, deals=10, progress=lambda *step: seen.append(step))
    json.dumps(found, allow_nan=False)
    assert set(found) == KEYS
    assert found["deals"] == 10
    assert found["not_worse_than_default"] == 10
    assert found["ungated_mean_utility"] < found["default_mean_utility"] <= found["gated_mean_utility"]
    assert 0 <= found["adopted"] < found["dealt"]
    assert seen[-1] == ("deal", 10, 10)


def test_deals_are_seeded(opposed):
    assert misdealing.deal(*opposed, deals=4) == misdealing.deal(*opposed, deals=4)
    other = misdealing.deal(*opposed, deals=4, seed=5)
    assert other["seed"] == 5
    assert other["default_mean_utility"] == misdealing.deal(*opposed, deals=4)["default_mean_utility"]


def test_a_donor_comes_from_another_service_where_there_is_one():
    random = np.random.default_rng(1)
    vectors: dict[str, Vector] = {
        "a/x": {"direction": "up"},
        "a/y": {"direction": "up"},
        "b/z": {"direction": "down"},
    }
    for _ in range(20):
        hands = misdealing._hands(vectors, random)
        assert hands["a/x"] == hands["a/y"] == [{"direction": "down"}]
        assert hands["b/z"] == [{"direction": "up"}]
    vectors = {"a/x": {"direction": "up"}, "a/y": {"min_rel": 0.5}}
    within = misdealing._hands(vectors, random)
    assert within == {"a/x": [{"min_rel": 0.5}], "a/y": [{"direction": "up"}]}


def test_nothing_is_dealt_where_nobody_else_has_learnt_anything():
    _, lessons = prepared({"shop/errors": noisy_series(), "shop/calm": (series(calm(2000)), [])})
    assert misdealing._hands(lessons.vectors, np.random.default_rng(1))["shop/errors"] == []
    alone = misdealing.deal(*prepared({"shop/errors": (series(calm(2000)), [])}), deals=3)
    assert (alone["adopted_share"], alone["dealt"], alone["not_worse_than_default"]) == (None, 0, 3)

"""The ranker without a server: alerts and labels, trees as numbers, champion and challenger, the registry."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.ranker import alerts, cli, registry, table, training, trees
from apps.ranker.errors import RankerError
from tests.ranker.generated import START, world

pytestmark = pytest.mark.unit

APPS = Path(__file__).resolve().parents[2] / "apps"
WITH_SIGNAL = world(seed=1)
NULL = world(seed=2, signal=False)


# --- alerts and labels ----------------------------------------------------------------------------
def test_alarms_that_follow_one_another_are_one_alert_that_knows_no_future():
    found = alerts.alerts_of(
        [
            ("a/x", "2026-01-01T05:00:00Z", 9.0),
            ("a/x", "2026-01-01T02:30:00+01:00", 3.0),
            ("a/x", "2026-01-01T03:00:00", 8.0),
            ("a/x", "2026-01-05T00:00:00Z", 1.0),
            ("b/x", "2026-01-02T00:00:00Z", 2.0),
        ]
    )
    assert [(one.series, one.at.isoformat(), one.score, one.recent) for one in found] == [
        ("a/x", "2026-01-01T01:30:00+00:00", 3.0, 0),
        ("b/x", "2026-01-02T00:00:00+00:00", 2.0, 0),
        ("a/x", "2026-01-05T00:00:00+00:00", 1.0, 1),
    ]
    assert found[2].since_s == timedelta(days=3, hours=22, minutes=30).total_seconds()


def test_labels_say_what_was_an_incident_and_where_they_end_to_know():
    spans = [
        {"start": "2026-01-02T00:00:00Z", "end": "2026-01-03T00:00:00Z", "kind": "benign"},
        {"start": "2026-01-01T00:00:00Z", "end": "2026-01-09T00:00:00Z", "kind": "incident"},
        {"start": "2026-01-04T00:00:00Z", "end": "2026-01-05T00:00:00Z", "kind": "incident"},
    ]
    row = {"intervals_json": json.dumps(spans), "complete_since_iso": "2025-12-31T00:00:00Z"}
    known = alerts.labels_of(row)
    at = [
        alerts.moment(text) for text in ("2025-12-30", "2025-12-31", "2026-01-08", "2026-01-09", "2026-01-10")
    ]
    assert [known.of(moment) for moment in at] == [None, False, True, True, False]
    assert alerts.labels_of({"intervals_json": float("nan"), "complete_since_iso": None}).of(at[0]) is False


@pytest.mark.parametrize(
    ("text", "says"),
    [("series,at\na/b,2026-01-01\n", "row 1"), ("series,at,score\na/b,noon,1\n", "row 2"),
     ("series,at,score\na/b,2026-01-01,high\n", "row 2")],
)  # fmt: skip
def test_a_broken_file_is_named_by_row(tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(RankerError, match=says):
        alerts.read(tmp_path / "x.csv")


# --- trees as numbers -----------------------------------------------------------------------------
def test_the_exported_trees_answer_as_scikit_learn_does():
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415

    rng = np.random.default_rng(5)
    rows = rng.normal(size=(800, 4))
    rows[rng.random(rows.shape) < 0.2] = np.nan
    labels = (np.nan_to_num(rows[:, 0], nan=1.5) + rng.normal(0, 0.5, 800) > 0.5).astype(int)
    fitted = HistGradientBoostingClassifier(random_state=1, **trees.SETTINGS).fit(rows, labels)
    model = trees.load(trees.exported(fitted, ("a", "b", "c", "d")).dump())
    fresh = rng.normal(size=(500, 4)) * 3
    fresh[rng.random(fresh.shape) < 0.3] = np.nan
    assert model.chances(fresh) == pytest.approx(fitted.predict_proba(fresh)[:, 1], abs=1e-12)


@pytest.mark.parametrize(
    "damage",
    [
        lambda held: held.pop("baseline"),
        lambda held: held.update(baseline=float("nan")),
        lambda held: held["trees"][0]["left"].__setitem__(0, 0),  # a way down that never ends
        lambda held: held["trees"][0]["right"].__setitem__(0, 10**6),
        lambda held: held["trees"][0]["feature"].__setitem__(0, 99),
        lambda held: held["trees"][0]["value"].pop(),
    ],
)
def test_a_model_that_leads_nowhere_is_refused(damage):
    _, model = trained(WITH_SIGNAL.table())
    held = json.loads(model.dump())
    damage(held)
    with pytest.raises(RankerError, match="model file"):
        trees.load(json.dumps(held).encode())


# --- champion and challenger ----------------------------------------------------------------------
def trained(data: table.Table, **more) -> tuple[dict[str, Any], trees.Model]:
    return training.challenge(data, training.split(data), **more)


def test_a_challenger_that_knows_more_is_promoted_and_fresh_features_are_worth_something():
    data = WITH_SIGNAL.table()
    parted = training.split(data)
    entry, model = training.challenge(data, parted)
    compared = entry["comparison"]
    assert (compared["verdict"], entry["promoted"]) == ("improved", True)
    assert compared["low"] > 0.05
    later = ~parted.is_train
    stale = WITH_SIGNAL.table(as_of=parted.boundary)
    found = training.freshness(data.part(later), stale.part(later), model)
    precision = found["average_precision"]
    assert precision["fresh"] > precision["frozen"] > precision["base_rate"]
    assert found["fresh_minus_frozen"]["verdict"] == "improved"
    print(f"average precision: {precision}, challenger against score alone: {compared}")


def test_where_features_say_nothing_the_challenger_is_not_promoted():
    """Over thirty worlds without signal; the score itself tells a little, and stays the champion."""
    promoted = 0
    for seed in range(30):
        data = world(seed=100 + seed, services=16, signal=False, a_day=0.6).table()
        entry, _ = trained(data)
        promoted += entry["promoted"]
    assert promoted <= 2  # 2.5 % of 30 is less than one


def test_the_next_challenger_meets_the_champion_on_alerts_that_neither_learnt_from():
    data = WITH_SIGNAL.table()
    first_entry, first = training.challenge(data, training.split(data, share=0.4))
    champion = ({**first_entry, "id": "c"}, first)
    entry, _ = training.challenge(data, training.split(data, share=0.6), champion=champion)
    assert entry["champion"] == "c"
    assert entry["comparison"]["verdict"] in {"no_evidence", "improved", "worse"}
    assert entry["comparison"]["second"] > 0.4
    with pytest.raises(RankerError, match="hold out later ones"):
        training.challenge(data, training.split(data, share=0.3), champion=champion)


def test_a_split_is_in_time_and_named_by_its_members():
    data = WITH_SIGNAL.table()
    parted = training.split(data)
    assert max(a.at for a, t in zip(data.alerts, parted.is_train, strict=True) if t) < parted.boundary
    assert training.split(data).id == parted.id
    fewer = data.part(np.arange(len(data)) != 3)
    assert training.split(fewer, boundary=parted.boundary).id != parted.id
    with pytest.raises(RankerError, match="one side"):
        training.split(data, boundary=START - timedelta(days=9))


def test_too_little_to_learn_from_is_said():
    data = WITH_SIGNAL.table()
    none = replace(data, labels=np.zeros(len(data), dtype=np.bool_))
    with pytest.raises(RankerError, match=r"0 of .* became incidents"):
        trained(none)


# --- the registry ---------------------------------------------------------------------------------
def registered(folder: Path, created_at: str = "2026-11-21T00:00:00Z") -> dict[str, Any]:
    entry, model = trained(WITH_SIGNAL.table())
    return registry.append(folder, entry, model, created_at=created_at)


def test_the_same_data_and_seed_give_the_same_bytes_but_for_the_time(tmp_path):
    one = registered(tmp_path / "one", "2026-11-21T00:00:00Z")
    registered(tmp_path / "two", "2026-11-22T00:00:00Z")
    texts = [(tmp_path / name / "entries" / "000001.json").read_text() for name in ("one", "two")]
    assert texts[0] != texts[1]
    assert texts[0] == texts[1].replace("2026-11-22", "2026-11-21")
    models = [next((tmp_path / name / "models").iterdir()) for name in ("one", "two")]
    assert models[0].read_bytes() == models[1].read_bytes()
    for key in ("data", "code", "split", "releases", "seed", "features", "comparison", "model"):
        assert one[key]
    other_entry, _ = trained(WITH_SIGNAL.table(), seed=1)
    assert registry.identity({**other_entry, "number": 1, "model": one["model"]}) != one["id"]


def test_entries_are_appended_and_a_changed_one_or_model_is_not_believed(tmp_path):
    first = registered(tmp_path)
    assert registry.champion(tmp_path) == first
    model = registry.model_of(tmp_path, first)
    second = registry.append(tmp_path, {"promoted": False}, model, created_at="later")
    assert [entry["number"] for entry in registry.entries(tmp_path)] == [1, 2]
    assert second["model"] == first["model"]
    assert registry.champion(tmp_path) == first
    path = next((tmp_path / "models").iterdir())
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(RankerError, match="does not have the hash"):
        registry.model_of(tmp_path, first)
    entry = tmp_path / "entries" / "000002.json"
    entry.write_text(entry.read_text().replace("false", "true"))
    with pytest.raises(RankerError, match="was changed after it was written"):
        registry.champion(tmp_path)


# --- the command line and the copy ----------------------------------------------------------------
def test_the_command_line_says_what_is_missing(tmp_path, monkeypatch, capsys):
    common = ["--url", "http://127.0.0.1:9", "--registry", str(tmp_path)]
    monkeypatch.delenv("AFTERCAST_TOKEN", raising=False)
    assert cli.main(["train", *common]) == 1
    assert "AFTERCAST_TOKEN is not set" in capsys.readouterr().err
    monkeypatch.setenv("AFTERCAST_TOKEN", "secret")
    assert cli.main(["train", *common]) == 1
    assert "Is the server running there?" in capsys.readouterr().err
    assert cli.main(["evaluate", *common]) == 1
    assert "There is no entry 0" in capsys.readouterr().err


def run(program: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=cwd, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout


def test_the_two_rooms_copied_out_stand_alone(tmp_path):
    for room in ("analysis", "ranker"):
        shutil.copytree(APPS / room, tmp_path / "apps" / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(APPS / "__init__.py", tmp_path / "apps")
    heavy = "sorted({'django', 'feast', 'sklearn', 'pandas'} & set(sys.modules))"
    found = run(f"import sys; from apps.ranker import cli; print(cli.__file__, {heavy})", tmp_path)
    assert found == f"{tmp_path}/apps/ranker/cli.py []\n"


def test_the_web_process_never_loads_scikit_learn():
    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings.test'\n"
        "os.environ['AFTERCAST_SECRET_KEY'] = 'only-for-this-test-' * 4\n"
        "import config.wsgi, config.urls; print('sklearn' in sys.modules, 'django' in sys.modules)"
    )
    assert run(program, APPS.parent) == "False True\n"

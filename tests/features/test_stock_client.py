"""A published `feast==0.67.0` in an environment of its own, against a live server and the downloaded
folder."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from apps.audit import outbox
from apps.common.errors import require
from apps.common.times import iso_us
from apps.features import facts, pinning
from apps.features.fact_schema import VIEWS
from tests.features import stock
from tests.features.support import CHECKOUT, LOGIN, bearer, person, serve

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.api

PREAMBLE = """
import json
from feast import FeatureStore
store = FeatureStore(repo_path=".")
def online(features, *series):
    features = store.get_feature_service(features) if isinstance(features, str) else features
    return store.get_online_features(features=features, entity_rows=[{"series": s} for s in series]).to_dict()
def failure(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]
"""
HISTORY = """
import pandas as pd
from historical import historical
service = store.get_feature_service("service_history")
rows = [{"service": "checkout"}, {"service": "never"}]
now = store.get_online_features(features=service, entity_rows=rows).to_dict()
one = store.get_online_features(features=["service_history:incidents_30d"], entity_rows=rows[:1]).to_dict()
times = pd.to_datetime(["BEFORE", "AT"], utc=True)
then = historical(pd.DataFrame({"service": ["checkout"] * 2, "event_timestamp": times}), "service_history")
show = [None if pd.isna(v) else v for v in then["incidents_30d"]]
print(json.dumps([now, one, show]))
"""
VIEWS_PROGRAM = """
import pandas as pd
from historical import historical
def read(name, **keys):
    return store.get_online_features(features=store.get_feature_service(name), entity_rows=[keys]).to_dict()
def then(name, column, **keys):
    times = pd.to_datetime(["BEFORE", "AT"], utc=True)
    found = historical(pd.DataFrame({**{k: [v] * 2 for k, v in keys.items()}, "event_timestamp": times}), name)
    return [None if pd.isna(v) else v for v in found[column]]
pair = {"failure_mode": "dns", "service_tier": "tier_1"}
print(json.dumps({
    "modes": [read("failure_mode_prior", service="checkout"), then("failure_mode_prior", "modes_json", service="checkout")],
    "remedies": [read("remediation_prior", **pair), then("remediation_prior", "n_reviews", **pair)],
    "labels": [failure(lambda: read("incident_label", series="CHECKOUT")), then("incident_label", "intervals_json", series="CHECKOUT")],
    "columns": [f.name for f in store.get_feature_view("incident_label").features],
}))
"""  # noqa: E501
READ = f"""
out = {{
    "service": online("detection", "{CHECKOUT}", "{LOGIN}", "never/seen"),
    "references": online(["detection_profile:theta_log2", "detection_profile:known_at_iso"], "{CHECKOUT}"),
    "pinned": online("detection__r1", "{CHECKOUT}"),
    "services": sorted(s.name for s in store.list_feature_services()),
    "columns": len(store.get_feature_view("detection_profile").features),
    "unknown service": failure(lambda: online(["detection_profile__r9:status"], "a/b")),
    "unknown feature": failure(lambda: online(["detection_profile:nope"], "a/b")),
    "wrong entity": failure(
        lambda: store.get_online_features(
            features=["detection_profile:status"], entity_rows=[{{"host": "x"}}]
        )
    ),
    "write": failure(lambda: store.materialize_incremental(end_date=__import__("datetime").datetime.now())),
}}
print(json.dumps(out))
"""


@pytest.fixture
def served(feast, live_server, settings, tmp_path):
    """Two releases, the first pinned; the client folder, unpacked from the running server."""
    settings.PUBLIC_URL = live_server.url
    first = serve(
        {CHECKOUT: {"theta_log2": 0.5, "direction": "up", "persist_k": 3}, LOGIN: {"min_rel": 0.25}}
    )
    pinning.pin(number=1, author="omar")
    pinning.converge(key="1.1", payload={})
    second = serve({CHECKOUT: {"theta_log2": 1.5}, LOGIN: None})
    headers = bearer(person("model", is_service=True), "features:read")
    answer = requests.get(f"{live_server.url}/api/v1/features/client.zip", headers=headers, timeout=30)
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    token = headers["Authorization"].removeprefix("Bearer ")
    return first, second, tmp_path / "aftercast_features", token


def client(program: str, folder: Path, token: str | None) -> Any:
    return json.loads(stock.call(PREAMBLE + program, folder=folder, token=token).splitlines()[-1])


def test_the_stock_client_reads_online_and_gets_errors_that_it_can_tell_apart(served):
    _, second, folder, token = served
    out = client(READ, folder, token)
    service = out["service"]
    assert service["theta_log2"] == [1.5, None, None]
    assert service["status"] == ["active", "withdrawn", None]
    assert service["release"] == [2, 2, None]
    assert service["series"] == [CHECKOUT, LOGIN, "never/seen"]
    assert out["references"] == {
        "series": [CHECKOUT],
        "theta_log2": [1.5],
        "known_at_iso": [iso_us(second.known_at)],
    }
    assert (out["pinned"]["theta_log2"], out["pinned"]["persist_k"]) == ([0.5], [3])
    assert out["services"] == sorted(["detection", "detection__r1", *VIEWS])
    assert out["columns"] == 30
    assert out["unknown service"] == [
        "FeatureViewNotFoundException",
        "Feature view detection_profile__r9 does not exist",
    ]
    assert out["unknown feature"][0] == "FeastObjectNotFoundException"
    assert out["wrong entity"] == ["FeastError", "entities must be exactly ['series']"]
    assert out["write"] is not None


def test_without_a_good_token_the_client_is_told_so(served):
    *_, folder, _ = served
    program = 'print(json.dumps(failure(lambda: online(["detection_profile:status"], "a/b"))))'
    kind, text = client(program, folder, "nope")
    assert kind == "FeastPermissionError"
    assert "set AFTERCAST_TOKEN" in text
    kind, text = client(program, folder, None)
    assert kind == "PermissionError"
    assert "AFTERCAST_TOKEN" in text


def test_the_snippet_in_the_folder_gives_training_data(served):
    first, second, folder, token = served
    program = f"""
import pandas as pd
from historical import historical
times = pd.to_datetime(["{iso_us(first.known_at)}", "{iso_us(second.known_at)}"], utc=True)
us = pd.Timedelta(1, "us")
rows = pd.DataFrame({{
    "series": ["{CHECKOUT}"] * 4,
    "event_timestamp": [times[0] - us, times[0], times[1] - us, times[1]],
    "label": [1, 2, 3, 4],
}})
found = historical(rows, chunk=3)
pinned = historical(rows[["series"]], as_of_release=1)
refs = historical(rows, ["detection_profile__r1:theta_log2"])
show = lambda frame: [None if pd.isna(v) else v for v in frame["theta_log2"]]
dtype = str(found["event_timestamp"].dtype)
print(json.dumps([show(found), found["label"].tolist(), show(pinned), show(refs), dtype]))
"""
    active, labels, pinned, refs, dtype = client(program, folder, token)
    assert active == [None, 0.5, 0.5, 1.5]
    assert labels == [1, 2, 3, 4]
    assert pinned == [0.5] * 4
    assert refs == [None, 0.5, 0.5, 0.5]
    assert dtype.endswith("UTC]")


def test_the_stock_client_reads_the_history_of_a_service(served):
    *_, folder, token = served
    values = {"incidents_30d": 3, "n_incidents": 7, "n_reviews": 2, "repeat_share": 0.5}
    row = require(facts.put(view="service_history", entity="checkout", values=values), "the row")
    outbox.drain()
    at = row.known_at
    program = HISTORY.replace("BEFORE", iso_us(at - timedelta(microseconds=1))).replace("AT", iso_us(at))
    now, one, then = client(program, folder, token)
    assert now["service"] == ["checkout", "never"]
    assert (now["incidents_30d"], now["repeat_share"]) == ([3, None], [0.5, None])
    assert (now["version"], now["known_at_iso"]) == ([1, None], [iso_us(at), None])
    assert one == {"service": ["checkout"], "incidents_30d": [3]}
    assert then == [None, 3]


def test_the_stock_client_reads_priors_and_trains_on_labels_but_is_never_served_them(served):
    *_, folder, token = served
    modes, label = [{"mode": "dns", "n": 1.0, "chance": 0.5}], {"start": "a", "end": "b", "kind": "incident"}
    facts.put(view="failure_mode_prior", entity="checkout", values={"n_reviews": 1, "modes_json": modes})
    facts.put(view="remediation_prior", entity="dns/tier_1", values={"n_reviews": 3})
    values = {"n_incidents": 1, "intervals_json": [label]}
    last = require(facts.put(view="incident_label", entity=CHECKOUT, values=values), "the row")
    outbox.drain()
    words = {"CHECKOUT": CHECKOUT, "BEFORE": iso_us(last.known_at - timedelta(hours=1))}
    program = VIEWS_PROGRAM
    for word, meaning in {**words, "AT": iso_us(last.known_at)}.items():
        program = program.replace(word, meaning)
    found = client(program, folder, token)
    online, history = found["modes"]
    assert (online["n_reviews"], json.loads(online["modes_json"][0])) == ([1], modes)
    assert [text and json.loads(text) for text in history] == [None, modes]
    online, history = found["remedies"]
    assert (online["failure_mode"], online["service_tier"], online["n_reviews"]) == (["dns"], ["tier_1"], [3])
    assert history == [None, 3]
    (kind, text), history = found["labels"]
    assert (kind, text) == ("FeastError", "incident_label is for training only and never served online")
    assert [text and json.loads(text) for text in history] == [None, [label]]
    assert found["columns"] == list(VIEWS["incident_label"].types)

"""What hostile or confused callers send to the online doors, and what a cautious consumer never sees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.features import pinning, reading, releases
from tests.features.support import CHECKOUT, LOGIN, bearer, person, serve

pytestmark = pytest.mark.api

FEAST, OURS = "/feast/get-online-features", "/api/v1/features/online"
SERVICE = {"feature_service": "detection", "entities": {"series": [CHECKOUT]}}


@pytest.fixture
def model(feast):
    return bearer(person("model", is_service=True), "features:read")


def send(client, headers, path: str, body: Any):
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(path, data=text, content_type="application/json", headers=headers)


@pytest.mark.parametrize("path", [FEAST, OURS])
@pytest.mark.parametrize(
    "body",
    [
        '{"entities": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"feature_service": "detection", "entities": {"series": ["\\ud800/x"]}}',
        {**SERVICE, "full_feature_names": "perhaps"},
        {**SERVICE, "entities": {"series": [5]}},
        {**SERVICE, "entities": {"series": ["a\x00/b"]}},
    ],
)
def test_what_is_malformed_is_refused_and_never_an_error_of_ours(client, model, path, body):
    answer = send(client, model, path, body)
    assert answer.status_code in (400, 422), answer.content[:200]
    if path == FEAST:
        assert json.loads(answer.json())["class"] == "FeastError"
    else:
        assert answer.json()["code"]


def test_an_unexpected_failure_still_speaks_feasts_language(client, model, monkeypatch):
    def broken(*_: Any, **__: Any) -> None:
        raise ArithmeticError("secret detail")

    monkeypatch.setattr(reading, "select", broken)
    answer = send(client, model, FEAST, SERVICE)
    error = json.loads(answer.json())
    assert (answer.status_code, error["class"]) == (500, "FeastError")
    assert "secret" not in error["message"]


def test_the_release_of_an_answer_is_never_behind_its_rows(client, model, monkeypatch):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    before = reading.standing()
    serve({CHECKOUT: {"theta_log2": 2.0}})
    monkeypatch.setattr(reading, "standing", lambda: before)  # looked up just before the rows were written
    ours, feasts = send(client, model, OURS, SERVICE), send(client, model, FEAST, SERVICE)
    assert (ours.json()["release"], feasts["X-Aftercast-Release"]) == (2, "2")


def test_an_answer_from_a_pin_is_of_the_pinned_release(client, model):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    serve({LOGIN: {"theta_log2": 1.0}})
    pinned = pinning.pin(number=2, author="omar")
    pinning.converge(key=f"2.{pinned.turn}", payload={})
    serve({CHECKOUT: {"theta_log2": 2.0}})
    answer = send(client, model, OURS, {**SERVICE, "feature_service": "detection__r2"})
    assert answer.json()["release"] == 2


def test_a_cautious_token_learns_nothing_below_its_limit_by_other_doors(client, feast):
    serve({CHECKOUT: {"theta_log2": 1.0}})
    cautious = bearer(person("careful", is_service=True), "features:read", min_confidence=0.95)
    bold = bearer(person("bold", is_service=True), "features:read")
    path = f"/api/v1/features/lineage?series={CHECKOUT}"
    assert list(client.get(path, headers=bold).json()["values"]) == ["theta_log2"]
    assert client.get(path, headers=cautious).json()["values"] == {}
    serve({CHECKOUT: {"theta_log2": 2.0}})
    assert releases.diff(1, 2)[CHECKOUT]["to"]["theta_log2"] == 2.0
    assert client.get("/api/v1/releases/1/diff/2", headers=cautious).json()["series"] == {}

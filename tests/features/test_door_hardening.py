"""What hostile or confused callers send to the online doors, and what a cautious consumer never sees."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.common import failpoints
from apps.features import pinning, publication, reading, releases
from apps.features.models import FeatureUse
from apps.features.usage import uses
from tests.features.support import CHECKOUT, LOGIN, bearer, make_release, person, serve

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


@pytest.mark.parametrize("first", [True, False])
def test_while_a_release_is_published_every_answer_names_the_release_of_its_values(
    client, model, monkeypatch, first
):
    """Also where the column `release` was not asked for, or has another name."""
    if not first:
        serve({CHECKOUT: {"theta_log2": 1.0}})
    number = make_release({CHECKOUT: {"theta_log2": 2.0}}).number
    seen: list[Any] = []

    def look(step: str) -> None:
        if step != "features.publish.written":
            return
        for names in (["theta_log2"], ["theta_log2", "release"]):
            asked = {
                "features": [f"detection_profile:{name}" for name in names],
                "entities": {"series": [CHECKOUT, LOGIN]},
                "full_feature_names": True,
            }
            ours, feasts = (send(client, model, path, asked) for path in (OURS, FEAST))
            seen.extend((ours.json()["release"], int(feasts["X-Aftercast-Release"])))
            assert [answer.json()["results"][1]["values"] for answer in (ours, feasts)] == [[2.0, None]] * 2
        lineage = client.get(f"/api/v1/features/lineage?series={CHECKOUT}", headers=model).json()
        seen.extend((lineage["release"], lineage["values"]["theta_log2"]["value"]))

    monkeypatch.setattr(failpoints, "reach", look)
    publication.publish(key=str(number), payload={})
    assert seen == [number] * 5 + [2.0]
    uses.flush()
    assert set(FeatureUse.objects.values_list("release", flat=True)) == {number}


def test_a_body_that_is_too_large_is_told_in_feasts_language(client, model, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = send(client, model, FEAST, {**SERVICE, "more": "x" * 200})
    assert (answer.status_code, json.loads(answer.json())["class"]) == (413, "FeastError")


def test_a_series_that_no_text_can_hold_is_refused_by_lineage(client, model):
    for series in ("%ED%A0%80/x", "a%00/b"):
        answer = client.get(f"/api/v1/features/lineage?series={series}", headers=model)
        assert answer.status_code in (404, 422), answer.content


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

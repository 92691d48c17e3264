"""`POST /feast/get-online-features` as the stock client speaks it, and its twin for everyone else."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from feast import errors
from feast.protos.feast.types.Value_pb2 import DoubleList, Int64List, StringList, Value

from apps.accounts.models import ApiToken
from apps.common.times import iso_us
from apps.features import pinning, reading
from apps.features.models import FeatureUse
from apps.features.schema import TYPES, ProfileContent
from apps.features.usage import uses
from tests.features.support import CHECKOUT, LOGIN, bearer, content, person, serve, source

pytestmark = pytest.mark.api

SERVICE = {"feature_service": "detection", "entities": {"series": [CHECKOUT]}}


@pytest.fixture
def model(feast):
    return bearer(person("model", is_service=True), "features:read")


def ask(client, headers, body: Any, path: str = "/feast/get-online-features"):
    text = body if isinstance(body, str) else json.dumps(body)
    return client.post(path, data=text, content_type="application/json", headers=headers)


def values(answer) -> dict[str, list[Any]]:
    found = answer.json()
    return dict(zip(found["metadata"]["feature_names"], (r["values"] for r in found["results"]), strict=True))


def typed_error(answer) -> dict[str, str]:
    inner = answer.json()
    assert isinstance(inner, str)
    error: dict[str, str] = json.loads(inner)
    assert error["module"] == "feast.errors"
    return error


def pin(number: int) -> None:
    pinned = pinning.pin(number=number, author="omar")
    pinning.converge(key=f"{number}.{pinned.turn}", payload={})


def test_a_service_answers_all_its_columns(client, model):
    release = serve({CHECKOUT: {"theta_log2": 1.5}})
    answer = ask(client, model, SERVICE)
    assert answer.status_code == 200
    found = values(answer)
    assert list(found) == ["series", *TYPES]
    assert (found["theta_log2"], found["direction"], found["release"]) == ([1.5], [None], [1])
    assert found["known_at_iso"] == [iso_us(release.known_at)]
    assert answer["X-Aftercast-Release"] == "1"
    result = answer.json()["results"]
    assert result[0] == {
        "values": [CHECKOUT],
        "statuses": ["PRESENT"],
        "event_timestamps": ["1970-01-01T00:00:00Z"],
    }
    moment = datetime.fromisoformat(result[1]["event_timestamps"][0])
    assert moment == release.known_at


def test_before_the_first_release_everything_is_null(client, model):
    answer = ask(client, model, SERVICE)
    assert answer.status_code == 200
    assert values(answer)["status"] == [None]
    assert "X-Aftercast-Release" not in answer


def test_references_answer_in_their_order_with_full_names_if_asked(client, model):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    refs = ["detection_profile:theta_log2", "detection_profile:status"]
    body = {"features": refs, "entities": {"series": [CHECKOUT, "no/where"]}}
    assert values(ask(client, model, body)) == {
        "series": [CHECKOUT, "no/where"],
        "theta_log2": [1.5, None],
        "status": ["active", None],
    }
    found = ask(client, model, {**body, "full_feature_names": True})
    assert list(values(found)) == ["series", "detection_profile__theta_log2", "detection_profile__status"]
    assert found.json()["results"][1]["statuses"] == ["PRESENT", "NOT_FOUND"]


def test_a_path_with_two_slashes_is_the_same_door(client, model):
    assert ask(client, model, SERVICE, "/feast//get-online-features").status_code == 200


def test_a_pinned_release_is_read_beside_the_active_one(client, model):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pin(1)
    serve({CHECKOUT: {"theta_log2": 1.5}})
    assert values(ask(client, model, {**SERVICE, "feature_service": "detection__r1"}))["theta_log2"] == [0.5]
    both = {
        "features": ["detection_profile:theta_log2", "detection_profile__r1:theta_log2"],
        "entities": {"series": [CHECKOUT]},
    }
    assert typed_error(ask(client, model, both))["class"] == "FeatureNameCollisionError"
    assert values(ask(client, model, {**both, "full_feature_names": True})) == {
        "series": [CHECKOUT],
        "detection_profile__theta_log2": [1.5],
        "detection_profile__r1__theta_log2": [0.5],
    }


def test_an_unpinned_release_is_gone_at_once(client, model):
    serve({CHECKOUT: {"theta_log2": 0.5}})
    pin(1)
    pinned = {**SERVICE, "feature_service": "detection__r1"}
    assert ask(client, model, pinned).status_code == 200
    pinning.unpin(number=1, author="omar")
    answer = ask(client, model, pinned)
    assert answer.status_code == 404
    assert typed_error(answer)["class"] == "FeatureServiceNotFoundException"
    refs = {"features": ["detection_profile__r1:theta_log2"], "entities": {"series": [CHECKOUT]}}
    assert typed_error(ask(client, model, refs))["class"] == "FeatureViewNotFoundException"


REFUSED = [
    ({"feature_service": "nope", "entities": {"series": ["a/b"]}}, 404, "FeatureServiceNotFoundException"),
    (
        {"feature_service": "detection__r7", "entities": {"series": ["a/b"]}},
        404,
        "FeatureServiceNotFoundException",
    ),
    ({"features": ["nope:x"], "entities": {"series": ["a/b"]}}, 404, "FeatureViewNotFoundException"),
    (
        {"features": ["detection_profile@v0:status"], "entities": {"series": ["a/b"]}},
        404,
        "FeatureViewNotFoundException",
    ),
    (
        {"features": ["detection_profile:x"], "entities": {"series": ["a/b"]}},
        404,
        "FeastObjectNotFoundException",
    ),
    ({"features": ["status"], "entities": {"series": ["a/b"]}}, 422, "FeastError"),
    ({"features": [1], "entities": {"series": ["a/b"]}}, 422, "FeastError"),
    ({"features": ["detection_profile:status"] * 501, "entities": {"series": ["a/b"]}}, 422, "FeastError"),
    (
        {"feature_service": "detection", "features": ["a:b"], "entities": {"series": ["a/b"]}},
        422,
        "FeastError",
    ),
    ({"feature_service": 5, "entities": {"series": ["a/b"]}}, 422, "FeastError"),
    ({"entities": {"series": ["a/b"]}}, 422, "FeastError"),
    ({**SERVICE, "entities": {"service": ["a/b"]}}, 422, "FeastError"),
    ({**SERVICE, "entities": {"series": ["a/b"], "env": ["x"]}}, 422, "FeastError"),
    ({**SERVICE, "entities": {"series": []}}, 422, "FeastError"),
    ({**SERVICE, "entities": {"series": ["a/b"] * 1001}}, 422, "FeastError"),
    ({**SERVICE, "entities": {"series": [1]}}, 422, "FeastError"),
    ({**SERVICE, "entities": {"series": ["a\x00b"]}}, 422, "FeastError"),
    ({**SERVICE, "entities": []}, 422, "FeastError"),
    ("not json", 422, "FeastError"),
    ("[1]", 422, "FeastError"),
]


@pytest.mark.parametrize(("body", "status", "feast_class"), REFUSED)
def test_every_refusal_is_a_typed_feast_error(client, model, body, status, feast_class):
    answer = ask(client, model, body)
    assert answer.status_code == status
    assert typed_error(answer)["class"] == feast_class


def test_the_error_classes_exist_in_feast(feast):
    names = {case[2] for case in REFUSED} | {"FeastPermissionError", reading.NameCollisionError.feast}
    assert all(issubclass(getattr(errors, name), errors.FeastError) for name in names)


def test_the_refusal_of_wrong_entities_says_what_is_right(client, model):
    error = typed_error(ask(client, model, {**SERVICE, "entities": {"service": ["a/b"]}}))
    assert error["message"] == "entities must be exactly ['series']"


def test_without_a_token_or_its_scope_nothing_is_read(client, feast):
    other = bearer(person("alarms", is_service=True), "alerts:write")
    for headers, status in (({}, 401), ({"Authorization": "Bearer nope"}, 401), (other, 403)):
        answer = ask(client, headers, SERVICE)
        assert answer.status_code == status
        assert typed_error(answer)["class"] == "FeastPermissionError"
    assert "AFTERCAST_TOKEN" in typed_error(ask(client, {}, SERVICE))["message"]
    assert ask(client, {}, SERVICE)["WWW-Authenticate"].startswith("Bearer")


def test_an_expired_or_revoked_token_reads_nothing(client, model):
    ApiToken.objects.update(
        created_at=timezone.now() - timedelta(days=2), expires_at=timezone.now() - timedelta(days=1)
    )
    assert ask(client, model, SERVICE).status_code == 401


def test_other_methods_are_refused_in_feasts_words(client, feast):
    answer = client.get("/feast/get-online-features")
    assert answer.status_code == 405
    assert typed_error(answer)["message"] == "POST only"


@pytest.mark.parametrize(
    "part", ["apps.features.reading.standing", "apps.features.api.feast_door.authenticate_bearer"]
)
def test_a_database_that_is_away_makes_the_client_try_again(client, model, monkeypatch, part):
    def away(*_: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr(part, away)
    answer = ask(client, model, SERVICE)
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert typed_error(answer)["class"] == "FeastError"


@pytest.mark.parametrize(
    "path", ["/feast/write-to-online-store", "/feast/push", "/feast/materialize", "/feast/"]
)
def test_nothing_else_of_feast_is_served(client, model, path):
    assert ask(client, model, {}, path).status_code == 404


# --- confidence and expiry ------------------------------------------------------------------------
def mixed() -> ProfileContent:
    values = {"theta_log2": 1.5, "direction": "up"}
    return ProfileContent(values, {"theta_log2": source(0.9), "direction": source(0.6)})


def test_a_cautious_token_never_gets_less_than_it_asks_for(client, feast):
    serve({CHECKOUT: mixed(), LOGIN: content({"theta_log2": 1.0}, 0.5)})
    cautious = bearer(person("cautious", is_service=True), "features:read", min_confidence=0.8)
    found = values(ask(client, cautious, {**SERVICE, "entities": {"series": [CHECKOUT, LOGIN, "no/where"]}}))
    assert found["theta_log2"] == [1.5, None, None]
    assert found["direction"] == [None, None, None]
    assert found["confidence"] == [0.9, None, None]
    assert found["status"] == ["active", "withheld", None]


def test_a_request_may_be_stricter_than_its_token_but_never_laxer(client, feast):
    serve({CHECKOUT: mixed()})
    token = bearer(person("model", is_service=True), "features:read", min_confidence=0.8)
    for asked, direction, theta in ((0.1, [None], [1.5]), (None, [None], [1.5]), (0.95, [None], [None])):
        body = {"entities": {"series": [CHECKOUT]}, **({} if asked is None else {"min_confidence": asked})}
        found = values(ask(client, token, body, "/api/v1/features/online"))
        assert (found["direction"], found["theta_log2"]) == (direction, theta)


def test_what_has_expired_is_null_without_any_publication(client, model):
    past, future = timezone.now() - timedelta(seconds=1), datetime(2100, 1, 1, tzinfo=UTC)
    sources = {"theta_log2": source(expires_at=past), "direction": source(expires_at=future)}
    serve(
        {
            CHECKOUT: ProfileContent({"theta_log2": 1.5, "direction": "up"}, sources),
            LOGIN: content({"theta_log2": 1.0}, expires_at=past),
        }
    )
    found = values(ask(client, model, {**SERVICE, "entities": {"series": [CHECKOUT, LOGIN]}}))
    assert found["theta_log2"] == [None, None]
    assert found["direction"] == ["up", None]
    assert found["status"] == ["active", "withheld"]
    assert found["expires_at"] == [iso_us(future), None]


def test_asking_for_one_column_hides_just_as_much(client, feast):
    serve({CHECKOUT: mixed()})
    cautious = bearer(person("cautious", is_service=True), "features:read", min_confidence=0.8)
    body = {"features": ["detection_profile:direction"], "entities": {"series": [CHECKOUT]}}
    assert values(ask(client, cautious, body)) == {"series": [CHECKOUT], "direction": [None]}


# --- the plain API --------------------------------------------------------------------------------
def test_the_plain_api_answers_the_same_and_defaults_to_the_active_release(client, model):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    plain = ask(client, model, {"entities": {"series": [CHECKOUT]}}, "/api/v1/features/online")
    assert plain.status_code == 200
    assert values(plain) == values(ask(client, model, SERVICE))
    assert plain.json()["release"] == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"entities": {"series": ["a/b"]}, "feature_service": "nope"}, (404, "feature_service")),
        ({"entities": {"series": ["a/b"]}, "min_confidence": 2}, (422, "min_confidence")),
        ({"entities": {"service": ["a/b"]}}, (422, "entities")),
        ({"entities": {"series": ["a/b"] * 1001}}, (422, "entities")),
        ({}, (422, "entities")),
    ],
)
def test_the_plain_api_refuses_with_problem_details(client, model, body, expected):
    answer = ask(client, model, body, "/api/v1/features/online")
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["field"]) == expected


# --- usage ----------------------------------------------------------------------------------------
def test_use_is_counted_by_consumer_and_release_not_by_read(client, model):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    for _ in range(5):
        ask(client, model, SERVICE)
    assert FeatureUse.objects.get().reads == 1
    uses.flush()
    use = FeatureUse.objects.get()
    assert (use.consumer.split("/")[0], use.feature_service, use.release, use.reads) == (
        "model",
        "detection",
        1,
        5,
    )
    assert use.last_at > use.first_at
    serve({CHECKOUT: {"theta_log2": 2.5}})
    ask(client, model, SERVICE)
    assert list(FeatureUse.objects.order_by("release").values_list("release", "reads")) == [(1, 5), (2, 1)]


def test_a_read_costs_two_queries_beside_the_values(client, model, django_assert_num_queries):
    serve({CHECKOUT: {"theta_log2": 1.5}})
    ask(client, model, SERVICE)
    with django_assert_num_queries(2):  # token and pointer; the values come through Feast's own connection
        ask(client, model, SERVICE)


# --- values ---------------------------------------------------------------------------------------
def test_values_are_such_that_the_client_can_tell_their_types(feast):
    plain = reading.plain
    assert plain(Value()) is None
    assert plain(Value(double_val=float("nan"))) is None
    assert plain(Value(double_val=float("inf"))) is None
    assert plain(Value(double_val=3.0)) == 3.0
    assert plain(Value(int64_val=3)) == 3
    assert plain(Value(bool_val=False)) is False
    assert plain(Value(double_list_val=DoubleList())) is None
    assert plain(Value(double_list_val=DoubleList(val=[1, 2.5]))) == [1.0, 2.5]
    assert plain(Value(int64_list_val=Int64List(val=[1, 2]))) == [1, 2]
    assert plain(Value(string_list_val=StringList(val=["a"]))) == ["a"]

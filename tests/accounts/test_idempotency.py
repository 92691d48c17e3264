from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import ApiToken, Team
from apps.audit import ledger
from apps.audit.models import AuditRecord, IdempotencyRecord
from tests.accounts import views
from tests.audit.conftest import in_threads
from tests.people import Api, api_of, make_person, make_token

pytestmark = [
    pytest.mark.api,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.accounts.views"),
]

PATH = "/api/teams"


@pytest.fixture
def api() -> Api:
    views.after.clear()
    views.entered.clear()
    views.may_leave.clear()
    return api_of(make_person("ann", "operator"))


def post(api: Api, slug: str = "a", do: str = "", *, key: str | None = "k", path: str = PATH) -> Any:
    return api.send("POST", path, {"slug": slug, "do": do}, key=key)


def test_the_same_request_gets_the_same_answer_and_one_effect(api: Api) -> None:
    first, second = post(api), post(api)
    assert (first.status_code, first.json()) == (201, {"id": Team.objects.get().pk, "slug": "a"})
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert ("Idempotent-Replay" in first.headers, second.headers["Idempotent-Replay"]) == (False, "true")


def test_without_a_key_each_request_is_its_own(api: Api) -> None:
    assert post(api, "a", key=None).status_code == 201
    assert post(api, "b", key=None).status_code == 201
    assert IdempotencyRecord.objects.count() == 0


@pytest.mark.parametrize("change", ["body", "query", "spaces"])
def test_the_key_of_another_request_is_refused(api: Api, change: str) -> None:
    post(api)
    if change == "spaces":
        answer = api.send("POST", PATH, '{"slug":  "a", "do": ""}', key="k")
    else:
        answer = post(
            api, "b" if change == "body" else "a", path=PATH + ("?x=1" if change == "query" else "")
        )
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        422,
        "idempotency_key_reused",
        "Idempotency-Key",
    )
    assert Team.objects.count() == 1


def test_people_do_not_share_keys(api: Api) -> None:
    post(api)
    assert post(api_of(make_person("bob", "operator")), "b").status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\x00b"])
def test_a_malformed_key_is_refused(api: Api, key: str) -> None:
    answer = post(api, key=key)
    assert (answer.status_code, answer.json()["field"]) == (422, "Idempotency-Key")
    assert Team.objects.count() == 0


def test_a_key_of_255_characters_is_fine(api: Api) -> None:
    assert post(api, key="x" * 255).status_code == 201


@pytest.mark.parametrize("do", ["refuse", "return"])
def test_a_refusal_undoes_its_effect_and_is_kept(api: Api, do: str) -> None:
    first, second = post(api, do=do), post(api, do=do)
    assert first.status_code == second.status_code == 409
    assert first.content == second.content
    assert first.headers["Content-Type"] == second.headers["Content-Type"]
    assert second.headers["Idempotent-Replay"] == "true"
    assert Team.objects.count() == 0


def test_a_crash_keeps_neither_effect_nor_answer(api: Api) -> None:
    assert post(api, do="break").status_code == 500
    assert (Team.objects.count(), IdempotencyRecord.objects.count()) == (0, 0)
    assert post(api).status_code == 201


@pytest.mark.parametrize("do", ["bytes", "empty"])
def test_other_bodies_are_repeated_to_the_byte(api: Api, do: str) -> None:
    first, second = post(api, do=do), post(api, do=do)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert Team.objects.count() == 1


def test_a_refusal_for_want_of_rights_is_not_kept(api: Api) -> None:
    ann = ApiToken.objects.get().user
    assert post(Api(make_token(ann, "features:read"))).status_code == 403
    assert post(api).status_code == 201


def test_the_ledger_is_written_once_and_in_the_same_transaction(api: Api) -> None:
    before = AuditRecord.objects.count()
    post(api, do="record")
    post(api, do="record")
    assert AuditRecord.objects.count() == before + 1
    assert ledger.verify().ok


def test_the_hook_runs_after_the_commit_and_for_a_repeat_and_not_for_a_refusal(api: Api) -> None:
    post(api)
    post(api)
    post(api, "b", "refuse", key="other")
    assert views.after == [1, 1]


def test_a_second_request_while_the_first_runs_is_told_so(api: Api) -> None:
    answers: list[Any] = []

    def first() -> None:
        answers.append(post(api, do="wait"))
        connection.close()

    thread = threading.Thread(target=first)
    thread.start()
    assert views.entered.wait(20)
    second = post(api, do="wait")
    views.may_leave.set()
    thread.join(20)
    assert (second.status_code, second.json()["code"]) == (409, "idempotency_in_progress")
    assert answers[0].status_code == 201
    assert post(api, do="wait").content == answers[0].content
    assert Team.objects.count() == 1


def test_ten_at_once_have_one_effect(api: Api) -> None:
    answers = in_threads(10, lambda _: post(api))
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    assert {answer.content for answer in answers if answer.status_code == 201} == {post(api).content}
    assert Team.objects.count() == 1


def test_switching_the_guard_off_shows(api: Api, settings: Any) -> None:
    settings.IDEMPOTENCY_GUARD = False
    assert post(api).status_code == 201
    assert post(api).status_code == 500  # the second effect meets the unique slug

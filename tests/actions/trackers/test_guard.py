"""Trackers: who may be called, how secrets are kept, what is refused at which field."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest
from django.db import IntegrityError, transaction

from apps.actions import services
from apps.actions.models import Tracker, TrackerPerson
from apps.actions.trackers import guarded
from apps.actions.trackers.issues import TrackerError
from apps.common.errors import DomainError, InvalidInputError, NotFoundError
from apps.common.sealing import UnsealingError, seal, unseal
from tests.actions.making import opened, somebody

from .server import TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from apps.accounts.models import User

    from .conftest import Made
    from .server import Running

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https://user:password@example.org/",
        "https://",
        "example.org",
        "http://no-such-host.invalid/",
        "http://example.org:99999/",
    ],
)
def test_addresses_inside_and_no_addresses_are_refused(
    add: Callable[..., Made], settings: Any, url: str
) -> None:
    settings.TRACKER_HOSTS = []
    with pytest.raises(InvalidInputError) as refused:
        add(base_url=url)
    assert refused.value.field == "base_url"
    assert not Tracker.objects.exists()


def test_a_name_that_leads_inside_later_is_noticed_at_the_connection(
    add: Callable[..., Made], running: Running, admin: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: the name was outside when it was added, and is this machine when it is called."""
    tracker, _ = add()
    port = int(running.url.rsplit(":", 1)[1])
    Tracker.objects.filter(pk=tracker.pk).update(base_url=f"http://tracker.example:{port}")
    settings.TRACKER_HOSTS = []
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *args, **kwargs: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))],
    )
    with pytest.raises(TrackerError, match="leads into this machine"):
        services.try_tracker(tracker_id=tracker.pk, actor=admin)
    assert running.world.calls == []  # not a byte was sent
    settings.TRACKER_HOSTS = ["Tracker.example"]
    assert services.try_tracker(tracker_id=tracker.pk, actor=admin) == "octo/shop"


def test_secrets_are_sealed_by_the_installations_key(
    add: Callable[..., Made], admin: User, settings: Any
) -> None:
    tracker, secret = add()
    assert TOKEN not in tracker.token
    assert secret not in tracker.hook_secret
    assert unseal(tracker.token) == TOKEN
    assert seal("x") != seal("x")
    assert unseal(seal("")) == ""
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key than before, and long enough to be one"
    with pytest.raises(UnsealingError):
        unseal(tracker.token)
    with pytest.raises(TrackerError, match="key was changed"):
        services.try_tracker(tracker_id=tracker.pk, actor=admin)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(tracker.token) == TOKEN


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 81}),
        ("name", {"name": "a\nb"}),
        ("kind", {"kind": "bugzilla"}),
        ("project", {"project": "shop"}),
        ("project", {"project": "../shop"}),
        ("project", {"kind": "jira", "project": 'OPS" OR 1=1'}),
        ("token", {"token": ""}),
        ("token", {"token": "a b"}),
        ("token", {"token": "schl\u00fcssel"}),
        ("account", {"account": "x" * 151}),
    ],
)
def test_a_wrong_field_is_named(add: Callable[..., Made], field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError) as refused:
        add(**changes)
    assert refused.value.field == field
    assert not Tracker.objects.exists()


def test_a_name_is_free_again_once_its_tracker_was_removed(add: Callable[..., Made], admin: User) -> None:
    tracker, _ = add()
    with pytest.raises(DomainError) as refused:
        add()
    assert refused.value.field == "name"
    services.remove_tracker(tracker_id=tracker.pk, actor=admin)
    tracker.refresh_from_db()
    assert (tracker.token, tracker.hook_secret) == ("", "")
    add()
    with pytest.raises(NotFoundError):
        services.remove_tracker(tracker_id=tracker.pk, actor=admin)
    with pytest.raises(IntegrityError), transaction.atomic():
        Tracker.objects.filter(removed_at=None).update(token="")


def test_a_test_call_says_what_it_found_or_why_not(
    add: Callable[..., Made], running: Running, admin: User
) -> None:
    tracker, _ = add(token="wrong")
    with pytest.raises(TrackerError, match="Bad credentials"):
        services.try_tracker(tracker_id=tracker.pk, actor=admin)
    tracker.refresh_from_db()
    assert tracker.fault == "It answered 401: Bad credentials"
    jira, _ = add("jira")
    assert services.try_tracker(tracker_id=jira.pk, actor=admin) == "Operations"


def test_people_are_one_login_each(add: Callable[..., Made], admin: User) -> None:
    tracker, _ = add()
    one, two = somebody(), somebody()
    services.name_people(tracker_id=tracker.pk, logins={one.pk: "jo", two.pk: ""}, actor=admin)
    assert dict(TrackerPerson.objects.values_list("person", "login")) == {one.pk: "jo"}
    for wrong in ({two.pk: "jo"}, {one.pk: "x", two.pk: "x"}):
        with pytest.raises(InvalidInputError):
            services.name_people(tracker_id=tracker.pk, logins=wrong, actor=admin)
    services.name_people(tracker_id=tracker.pk, logins={one.pk: "", two.pk: "jo"}, actor=admin)
    assert dict(TrackerPerson.objects.values_list("person", "login")) == {two.pk: "jo"}


def test_an_action_has_one_issue_and_an_issue_one_action(add: Callable[..., Made]) -> None:
    tracker, _ = add()
    action = opened()

    def link(key: str, of: Any = action) -> None:
        services.link_issue(action_id=of.pk, tracker_id=tracker.pk, key=key, actor=of.owner)

    for wrong in ("0", "OPS-7", "7 or 1"):
        with pytest.raises(InvalidInputError) as refused:
            link(wrong)
        assert refused.value.field == "key"
    link("7")
    for args in (("8",), ("7", opened())):
        with pytest.raises(DomainError) as taken:
            link(*args)
        assert taken.value.code == "already_linked"
    services.unlink_issue(action_id=action.pk, actor=action.owner)
    with pytest.raises(NotFoundError):
        services.unlink_issue(action_id=action.pk, actor=action.owner)


def test_a_flood_of_an_answer_is_cut_off(
    add: Callable[..., Made], running: Running, admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, _ = add()
    monkeypatch.setattr(guarded, "MAX_BYTES", 10)
    with pytest.raises(TrackerError, match="larger than"):
        services.try_tracker(tracker_id=tracker.pk, actor=admin)

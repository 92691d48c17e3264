from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from apps.accounts.models import Role, User
from apps.audit.models import AuditRecord

pytestmark = [pytest.mark.unit, pytest.mark.django_db]


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


def test_people_and_their_roles_are_made_on_the_command_line():
    assert (
        run("person_create", "ann", "--role", "reviewer", "--role", "operator") == "ann: operator, reviewer"
    )
    assert run("role_grant", "ann", "responder", "reviewer") == "ann: operator, responder, reviewer"
    assert run("role_grant", "ann", "operator", "--revoke") == "ann: responder, reviewer"
    ann = User.objects.get(username="ann")
    assert ann.has_role(Role.REVIEWER)
    assert not ann.has_role(Role.OPERATOR)
    actions = AuditRecord.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["person_created", "roles_granted", "roles_revoked"]


def test_a_service_account_is_one():
    run("person_create", "detector", "--service")
    assert User.objects.get(username="detector").is_service


def test_what_is_not_there_is_said():
    with pytest.raises(CommandError, match="There is no person nobody"):
        run("role_grant", "nobody", "reviewer")
    run("person_create", "ann")
    with pytest.raises(CommandError, match="taken"):
        run("person_create", "ANN")

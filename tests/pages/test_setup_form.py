"""The form behind the one-time link, which exists only where nobody has an account yet."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.test import Client

from apps.accounts import invitations

from .attack import faults, send, state, tries
from .markup import faults as html_faults
from .markup import forms, tree
from .world import PASSWORD, Found

pytestmark = [pytest.mark.page, pytest.mark.django_db]


def test_every_field_of_the_setup_form_refuses_what_is_wrong() -> None:
    link = invitations.first_admin_link("http://testserver")
    assert link is not None
    path = urlsplit(link).path
    root = tree(Client().get(path).content.decode())
    assert not html_faults(root)
    form = forms(root, path)[0]
    found = Found(None, "", path, form, path, "setup/<str:token>")
    values = {**form.values(), "username": ["ann"], "email": ["ann@example.org"], "password": [PASSWORD]}
    before = state()
    table = [
        f"{attempt.field:10} {attempt.what:20.20} {fault}"
        for control in form.controls.values()
        if control.name != "csrfmiddlewaretoken"
        for attempt in tries(control)
        for fault in faults(found, values, attempt, before)
    ]
    assert not table, "\n".join(["", *table])
    assert send(found, values).status_code == 201

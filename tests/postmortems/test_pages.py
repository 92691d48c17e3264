from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from apps.actions.models import ActionItem
from apps.postmortems import services
from apps.postmortems.models import Draft, Postmortem
from tests.people import make_person
from tests.postmortems.making import drafted, filed, form

if TYPE_CHECKING:
    from apps.accounts.models import User

pytestmark = [pytest.mark.page, pytest.mark.django_db]


@pytest.fixture
def ann() -> User:
    return make_person("ann", "responder")


@pytest.fixture
def web(ann: User) -> Client:
    client = Client()
    client.force_login(ann)
    return client


def address(draft: Draft, step: str) -> str:
    return f"/postmortems/drafts/{draft.pk}/{step}"


def save(web: Client, draft: Draft, step: str, **changes: Any) -> Any:
    draft.refresh_from_db()
    return web.post(address(draft, step), form(draft, step, **changes))


def test_the_list_shows_newest_versions_and_my_drafts(web: Client, ann: User) -> None:
    old = filed(ann)
    new = filed(ann, title="Pool ran full, amended", amends_id=old.pk)
    drafted(ann, title="Half written")
    page = web.get("/postmortems").content.decode()
    assert f'href="/postmortems/{new.pk}"' in page
    assert f'href="/postmortems/{old.pk}"' not in page
    assert "Resume: Half written" in page


def test_the_form_leads_from_empty_to_filed(web: Client, ann: User) -> None:
    answer = web.post("/postmortems/new")
    draft = Draft.objects.get()
    assert answer.headers["Location"] == address(draft, "what")
    whole = drafted(ann).data
    for step, following in [
        ("what", "timeline"),
        ("timeline", "labels"),
        ("labels", "findings"),
        ("findings", "actions"),
        ("actions", "preview"),
    ]:
        assert web.get(address(draft, step)).status_code == 200
        answer = web.post(address(draft, step), {**form(Draft(data=whole), step), "base": "{}", "go": "next"})
        assert answer.status_code == 302, answer.content.decode()
        assert answer.headers["Location"] == address(draft, following)
    assert "File the postmortem" in web.get(address(draft, "preview")).content.decode()
    answer = web.post(address(draft, "preview"), {"go": "file"})
    row = Postmortem.objects.get()
    assert answer.headers["Location"] == f"/postmortems/{row.pk}"
    draft.refresh_from_db()
    assert (draft.state, draft.filed_as) == ("filed", row)
    page = web.get(f"/postmortems/{row.pk}").content.decode()
    for text in ("The pool was full.", "Because of", "Configuration error", row.sha256, 'id="L1"'):
        assert text in page

"""Every form of every page, with every field wrong in every way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import transaction

from tests.classified import Page, collected

from .attack import faults, send, state, tries

if TYPE_CHECKING:
    from .world import Found, World

pytestmark = [pytest.mark.slow, pytest.mark.page, pytest.mark.django_db, pytest.mark.timeout(600)]

PASSWORD = "correct horse battery staple"
NEW = "a new and rather long secret"
POSTS = sorted(
    route
    for route, rule in collected("PAGES").items()
    if rule == "public" or (isinstance(rule, Page) and rule.post is not None)
)
LAST = "the last choice"  # ids differ from run to run
WHY = ["Because of what the review found."]
MARKS = {name: ["3"] for name in ("relevance", "timeliness", "breadth", "actionability")}
KINDS = {
    "use_theta_scale": ["on"],
    "theta_log2": ["1"],
    "use_direction": ["on"],
    "direction": ["up"],
    "use_min_effect": ["on"],
    "min_rel": ["50"],
    "min_abs": ["1"],
    "use_baseline": ["on"],
    "baseline": ["daily"],
    "use_persistence": ["on"],
    "persist_k": ["3"],
    "persist_n": ["5"],
    "use_hard_limit": ["on"],
    "hard_lo": ["0"],
    "hard_hi": ["100000"],
    "use_suppress": ["on"],
    "suppress_days": ["MO"],
    "suppress_time": ["02:00"],
    "suppress_minutes": ["60"],
    "suppress_reason": ["nightly batch"],
    "use_calendar_exception": ["on"],
    "calendar_dates": ["2026-12-24"],
    "calendar_expect": ["scale"],
    "calendar_scale": ["2"],
}
INSIGHT = {
    "title": ["Alarm later"],
    "recommendation": ["Raise the threshold."],
    "do": ["file"],
    "document": ["A runbook"],
    "excerpt": ["It rang for nothing."],
    "expires_on": ["2099-01-31"],
    "scope_series": ["checkout/latency_p99"],
    **KINDS,
}
TIMES = {
    "impact_start_at": ["2026-11-01T10:00"],
    "detected_at": ["2026-11-01T10:05"],
    "resolved_at": ["2026-11-01T11:00"],
}
# What a person types before a field goes wrong, into forms that begin empty; by route.
TYPED: dict[str, dict[str, list[str]]] = {
    "actions/<int:pk>/done": {"note": WHY},
    "actions/<int:pk>/drop": {"reason": WHY},
    "actions/<int:pk>/reassign": {"owner": [LAST], "note": WHY},
    "actions/<int:pk>/reopen": {"note": WHY},
    "actions/new": {
        "title": ["Watch the pool"],
        "due_on": ["2027-01-31"],
        "smallest_effect": ["30"],
        "insight_id": [LAST],
        "metric": ["false_alarms_per_day"],
        "direction": ["down"],
    },
    "admin/people/<int:pk>/tokens": {"name": ["detector"], "scopes": ["alerts:write"], "days": ["90"]},
    "admin/people/invite": {"email": ["somebody@example.org"], "roles": ["viewer"]},
    "admin/people/service-account": {"username": ["new-detector"]},
    "admin/teams": {"name": ["Search"]},
    "admin/teams/<slug:slug>": {"name": ["Shop and more"]},
    "admin/teams/<slug:slug>/members": {"username": ["noor"]},
    "incidents/new": {"title": ["Slow"], "service": ["checkout"], "severity": ["SEV-2"], **TIMES},
    "insights/<int:pk>/approve": {**MARKS, "comment": WHY, "override_reason": WHY},
    "insights/<int:pk>/score": {**MARKS, "comment": WHY, "override_reason": WHY},
    "insights/<int:pk>/reject": {"reason": WHY},
    "insights/<int:pk>/reopen": {"reason": WHY},
    "insights/<int:pk>/request-changes": {"reason": WHY},
    "insights/<int:pk>/withdraw": {"reason": WHY},
    "insights/<int:pk>/revise": INSIGHT,
    "insights/new": INSIGHT,
    "invitation/<str:token>": {"username": ["newcomer"], "password": [NEW], "again": [NEW]},
    "labels/quarantine/<int:pk>/release": {"reason": WHY},
    "me": {"email": ["other@example.org"], "password": [PASSWORD]},
    "me/password": {"old_password": [PASSWORD], "new_password1": [NEW], "new_password2": [NEW]},
    "me/tokens": {"name": ["notebook"], "scopes": ["features:read"]},
    "password-reset": {"email": ["robin@example.org"]},
    "password-reset/<str:uidb64>/<str:token>": {"new_password1": [NEW], "new_password2": [NEW]},
    "releases/<int:number>/revert": {"reason": WHY},
    "sign-in": {"username": ["robin"], "password": [PASSWORD]},
}
# Routes without a form on a page.
FORMLESS = {
    "password-reset/sent": "answers GET alone",
    "postmortems/drafts/<int:pk>/save": "autosave of a script, which speaks JSON: tests/postmortems",
}
# The same form as on another page: there every wrong value, here a few.
AGAIN = frozenset(
    {
        "actions/<int:pk>/edit",
        "admin/people/<int:pk>/tokens",
        "incidents/<int:pk>/edit",
        "insights/<int:pk>/revise",
        "insights/<int:pk>/score",
    }
)
FEW = frozenset({"missing", "NUL", "huge", "a megabyte", "no-such-code", "one too long"})
# Fields that take what others of their kind refuse, and why.
TAKEN = {
    ("min_abs", "huge"): "any finite number, in units of a series",
    ("hard_lo", "huge"): "the same",
    ("hard_hi", "huge"): "the same",
}


@pytest.mark.parametrize("route", POSTS)
def test_every_field_refuses_what_is_wrong(world: World, route: str) -> None:
    if route in FORMLESS:
        return
    forms = world.forms.get(route, [])
    assert forms, f"no page shows a form for {route}"
    done: set[str] = {"csrfmiddlewaretoken"}
    table = [line for form in forms for line in lines(form, done)]
    assert not table, "\n".join(["", *table])


def lines(found: Found, done: set[str]) -> list[str]:
    """What is wrong with a form; fields that were `done` on another page are not tried again."""
    values = filled(found)
    report = right(found, values)
    before = state()
    for control in found.form.controls.values():
        if control.name in done:
            continue
        done.add(control.name)
        for attempt in tries(control):
            if (control.name, attempt.what) in TAKEN or (found.route in AGAIN and attempt.what not in FEW):
                continue
            for fault in faults(found, values, attempt, before):
                report.append(f"{found.path:40} {attempt.field:22} {attempt.what:20.20} {fault}")
    return report


def filled(found: Found) -> dict[str, list[str]]:
    """The form as a person fills it in."""
    controls = found.form.controls
    typed = {name: value for name, value in TYPED.get(found.route, {}).items() if name in controls}
    chosen = {name: controls[name].choices[-1:] for name, value in typed.items() if value == [LAST]}
    return {**found.form.values(), **typed, **chosen}


def right(found: Found, values: dict[str, list[str]]) -> list[str]:
    """The form as it should be filled in is taken: otherwise what follows would show nothing."""
    point = transaction.savepoint()
    try:
        answer = send(found, values)
    finally:
        transaction.savepoint_rollback(point)
    if answer.status_code in {200, 201, 302}:
        return []
    return [f"{found.path:40} {'filled in well':43} status {answer.status_code}"]

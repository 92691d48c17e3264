"""Wrong input for every kind of field, and the judgement of what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, urljoin

from django.apps import apps
from django.db import connection, transaction
from django.test import Client

from .markup import Control, Form, Node, forms, tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.http import HttpResponse

    from .world import Found

MEGABYTE = "x" * 2**20
NUL = "a\x00b"
SURROGATE = "\ud800"  # sent as the bytes ED A0 80
ODD = "\u202e\U0001d54f e\u0301 👩‍👩‍👧 \ufeff\u200b </textarea><b>'\"&amp;{{ 7 }}"
HUGE = "1" + "0" * 30
CSRF = "csrfmiddlewaretoken"
SECRET = frozenset({"password"})
TEXTS = frozenset({"text", "email", "search", "url", "textarea", "password"})
# Of two fields that contradict each other, the one that tells.
TOLD_BY = {"persist_n": "persist_k", "hard_hi": "hard_lo", "calendar_rule": "calendar_dates"} | {
    "first_line": "last_line",
    "excerpt": "sha256",
    "password": "again",
    "new_password1": "new_password2",
    "contributing_factor": "no_human_factor_reason",
    "observations-bb-text": "recommendations-cc-cites",  # an empty row goes, and nothing is cited
}
ABOVE = frozenset({"sign-in"})  # which of its two fields is wrong is not told
KEEPING = frozenset({"postmortems/drafts/<int:pk>/<str:step>"})  # a draft keeps words that cannot be filed
NOT_COUNTED = frozenset(
    {
        "sessions.Session",  # messages and what is shown once
        "axes.AccessAttempt",  # tries to sign in are counted by intent
        "axes.AccessFailureLog",
    }
)
REFUSED = (302, 400, 403, 404, 409, 413, 422, 429)


@dataclass(frozen=True)
class Try:
    """One field with one wrong value; `must` says that no form may take it."""

    field: str
    what: str
    value: list[str] | None  # None: left out
    must: bool = True


DATES = ("yesterday", "0000-00-00", "2026-02-30", HUGE, "-1", "25:61", "2026-13-01T00:00")
EDGES = ("0001-01-01", "9999-12-31", "0001-01-01T00:00+14:00", "9999-12-31T23:59:59-14:00")
HIDDEN = ("no-such-code", HUGE, f"-{HUGE}", "-1", "1.5", '{"a": "\\ud800"}', "[" * 5000, MEGABYTE)
# By kind of field: what none may take, and what may be taken or not, but never breaks anything.
WRONG: dict[str, tuple[str, ...]] = {
    "text": (MEGABYTE,),
    "email": (MEGABYTE, ODD, "nobody", "a@b@example.org"),
    "number": ("abc", HUGE, f"-{HUGE}", "NaN", "1e400", "1,5"),
    "date": DATES,
    "select": ("no-such-code", HUGE, "-1", ODD, "\u0000"),
    "checkbox": ("no-such-code", HUGE, MEGABYTE),
}
STRANGE: dict[str, tuple[str, ...]] = {
    "text": (ODD,),
    "number": ("-1", "0", "1.5", "١٢", "1e3", "9" * 18),
    "date": EDGES,
    "hidden": HIDDEN,
}
SAME = {
    **dict.fromkeys(("search", "url", "textarea", "password"), "text"),
    **dict.fromkeys(("datetime-local", "time"), "date"),
    "radio": "select",
    "button": "hidden",
}
NAMES = {MEGABYTE: "a megabyte", ODD: "odd characters", HUGE: "huge", f"-{HUGE}": "huge", "[" * 5000: "deep"}


def tries(control: Control) -> Iterator[Try]:
    """Every wrong value for a field."""
    kind = SAME.get(control.kind, control.kind)
    box, asked = _lone_box(control), control.required
    yield Try(control.name, "missing", None, must=asked)
    yield Try(control.name, "empty", [""], must=asked and kind != "checkbox")
    yield Try(control.name, "NUL", [NUL], must=kind != "hidden" and not box)
    yield Try(control.name, "half a surrogate", [SURROGATE], must=kind in {"number", "select", "date"})
    for value in WRONG.get(kind, ()):
        yield Try(control.name, NAMES.get(value, value), [value], must=not box)
    for value in STRANGE.get(kind, ()):
        yield Try(control.name, NAMES.get(value, value), [value], must=False)
    if kind in {"text", "email"}:
        yield Try(control.name, "blank", ["  \t "], must=asked and control.kind != "password")
    if control.limit:
        yield Try(control.name, "one too long", ["x" * (control.limit + 1)])
    if kind == "select":
        two = ["no-such-code", *control.value[-1:]]
        yield Try(control.name, "two at once", two, must=False)


def _lone_box(control: Control) -> bool:
    """One box is ticked or not, whatever its value."""
    return control.kind == "checkbox" and len(control.nodes) == 1


def encoded(values: Mapping[str, list[str]]) -> bytes:
    """As a form in a browser sends it, and what no browser sends."""
    return "&".join(
        f"{quote_plus(name)}={quote_plus(one, errors='surrogatepass')}"
        for name, found in values.items()
        for one in found
    ).encode()


def state() -> list[tuple[Any, ...]]:
    """The number of rows of each table, and a sum over what is in the small ones."""
    parts = []
    for model in apps.get_models(include_auto_created=True):
        if model._meta.proxy or not model._meta.managed or model._meta.label in NOT_COUNTED:
            continue
        table = model._meta.db_table
        small = model._meta.app_label not in {"telemetry", "alerts"}
        total = "sum(hashtextextended(t::text, 0)::numeric)" if small else "0"
        parts.append(f"SELECT '{table}', count(*), {total} FROM \"{table}\" t")  # noqa: S608  # our own tables
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return sorted(cursor.fetchall())


def send(found: Found, values: Mapping[str, list[str]], *, path: str = "", **headers: str) -> Any:
    """The answer to a form, as the person who saw it."""
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = found.cookie
    return client.post(
        path or found.path,
        encoded({name: value for name, value in values.items() if name != CSRF}),
        content_type="application/x-www-form-urlencoded",
        headers=headers,
    )


def faults(
    found: Found, values: Mapping[str, list[str]], attempt: Try, before: list[tuple[Any, ...]]
) -> list[str]:
    """Send the form with one field wrong; what is not as it should be. Nothing stays in the database."""
    sent = {name: value for name, value in values.items() if name != attempt.field}
    if attempt.value is not None:
        sent[attempt.field] = attempt.value
    point = transaction.savepoint()
    try:
        answer = send(found, sent)
        changed = [row[0] for row, was in zip(state(), before, strict=True) if row != was]
    finally:
        transaction.savepoint_rollback(point)
    return list(judge(found, sent, attempt, answer, changed))


def judge(
    found: Found, sent: Mapping[str, list[str]], attempt: Try, answer: HttpResponse, changed: list[str]
) -> Iterator[str]:
    """Refused at the field, with everything else kept; or taken, if it may be."""
    status = answer.status_code
    if status >= 500 or status not in {200, 201, 204, *REFUSED}:
        yield f"status {status}"
        return
    if status >= 400 and changed and found.route not in KEEPING:
        yield f"{status}, yet changed: {', '.join(changed)}"
    if attempt.must and status < 400 and changed:
        yield f"taken: {status}, changed: {', '.join(changed)}"
    if attempt.must and status == 200:
        yield "taken: 200"
    if status in {409, 422} and answer.headers["Content-Type"].startswith("text/html"):
        root = tree(answer.content.decode())
        same = _same(root, found, attempt.field)
        if status == 422 and found.route not in ABOVE:
            yield from _told(root, same, found.form.controls[attempt.field])
        if same is not None:
            yield from _kept(same, sent, attempt)


def _same(root: Node, found: Found, field: str) -> Form | None:
    """The form of the answer that was sent: the one that leads there, or else has the field."""
    shown = [form for form in forms(root, found.path) if field in form.controls]
    there = [form for form in shown if urljoin(found.path, form.action) == found.path]
    return next(iter([*there, *shown]), None)


def _told(root: Node, form: Form | None, control: Control) -> Iterator[str]:
    """An error at the field, and in the summary with a link to it."""
    summary = next((node for node in root.walk() if node.attrs.get("role") == "alert"), None)
    if summary is None or not summary.text().strip():
        yield "no error summary"
        return
    links = {node.attrs.get("href", "") for node in summary.all("a")}
    ids = {f"#{node.attrs.get('id')}" for node in root.walk() if node.attrs.get("id")}
    if gone := {link for link in links if link.startswith("#")} - ids:
        yield f"the summary links to {', '.join(sorted(gone))}, which is not there"
    if control.kind in {"hidden", "button"}:
        return
    nodes = form.controls[control.name].nodes if form is not None else []
    if not nodes:
        yield "the field is gone"
        return
    around = [node for one in nodes for node in (one, *one.above()) if node.tag != "form"]
    if _lone_box(control) and links:
        return  # what a tick leaves missing or wrong is said where it is mended
    around += [node for one in _near(form, control) for node in (one, *one.above()) if node.tag != "form"]
    if not links & {f"#{node.attrs.get('id')}" for node in around}:
        yield "the summary has no link to the field"
    if not any(_is_wrong(node) for node in around):
        yield "no error at the field"


def _near(form: Form | None, control: Control) -> list[Node]:
    """Of two fields that contradict each other, the one that tells."""
    other = form.controls.get(TOLD_BY.get(control.name, "")) if form is not None else None
    return other.nodes if other is not None else []


def _is_wrong(node: Node) -> bool:
    return node.attrs.get("aria-invalid") == "true" or "field-wrong" in node.attrs.get("class", "").split()


def _kept(form: Form, sent: Mapping[str, list[str]], attempt: Try) -> Iterator[str]:
    """Whatever was typed stands in the answer."""
    now = form.values()
    for name, value in sent.items():
        control = form.controls.get(name)
        if control is None or control.kind in {"hidden", "button", *SECRET} or name == CSRF:
            continue
        if name == attempt.field and (control.kind not in {*TEXTS, "number"} or "\x00" in value[0]):
            continue
        if name == attempt.field and attempt.what == "half a surrogate":
            continue
        if [_plain(one) for one in now.get(name, [])] != [_plain(one) for one in value]:
            yield f"{name} is not kept: {str(value)[:60]} became {str(now.get(name))[:60]}"


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").strip()

"""What a step of the form shows: forms, labels with definitions, problems at their places, conflicts."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from apps.accounts.models import User
from apps.catalog.models import Service, Term

from . import content
from .checking import by_step, check
from .forms import ReasonForm, Row, WhatForm, rows
from .words import BY_SLUG, FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .merge import Conflict, Path
    from .models import Draft
    from .review import Problem
    from .words import Field

GROUPS = {"technical": "Technical", "human": "Human", "organisational": "Organisational"}
NAMES = {
    "title": "Title",
    "service": "Service",
    "kind": "Incident or near miss",
    "incident": "Incident",
    "summary": "Summary",
    "no_human_factor_reason": "Why no factor is about people",
    "at": "time",
    "text": "text",
    "kind_of_row": "kind",
    "actor_role": "role",
    "source": "source",
    "evidence": "evidence",
    "cites": "observations cited",
    "owner": "owner",
    "due_on": "due date",
    "metric": "metric",
    "direction": "direction",
}
EXCERPT = 60


@dataclass(frozen=True)
class Option:
    term: Term
    chosen: bool


@dataclass
class LabelField:
    """One vocabulary with its codes, as check boxes or radio buttons."""

    field: Field
    groups: list[tuple[str, list[Option]]]
    errors: list[str] = dataclasses.field(default_factory=list)

    @property
    def count(self) -> int:
        """How many codes there are to choose from."""
        return sum(len(options) for _, options in self.groups)


@dataclass(frozen=True)
class Message:
    """A problem with the place to mend it: `anchor` is the id of a field."""

    text: str
    step: str
    anchor: str


@dataclass(frozen=True)
class Place:
    """One entry of the list of steps."""

    slug: str
    label: str
    problems: int
    is_here: bool


@dataclass(frozen=True)
class Clash:
    """A conflict in words: what it is called and both texts."""

    name: str
    label: str
    mine: str
    theirs: str


@dataclass
class StepPage:
    """Everything that the template of a step needs."""

    step: str
    base: str
    main: WhatForm | ReasonForm | None = None
    lists: dict[str, list[Row]] = dataclasses.field(default_factory=dict)
    labels: list[LabelField] = dataclasses.field(default_factory=list)
    messages: list[Message] = dataclasses.field(default_factory=list)
    services: list[str] = dataclasses.field(default_factory=list)


def build(
    step: str, part: Mapping[str, Any], *, base: Mapping[str, Any], problems: Sequence[Problem], reader: User
) -> StepPage:
    """The page of a step that shows `part`, with problems at their fields."""
    page = StepPage(step, json.dumps(base))
    if step == "what":
        page.main = WhatForm(dict(part), reader=reader)
        page.services = list(Service.objects.order_by("slug").values_list("slug", flat=True)[:500])
    if step == "labels":
        page.main = ReasonForm(dict(part))
        page.labels = _labels(part["labels"])
    page.lists = {name: rows(name, part[name]) for name in content.KEYS[step] if name in content.COLUMNS}
    for row in page.lists.get("recommendations", []):
        row.offer(cited(part["observations"]))
    if page.lists.get("actions"):
        people = User.objects.filter(is_active=True, is_service=False).order_by("username")
        choices = [(user.username, user.name) for user in people]
        for row in page.lists["actions"]:
            row.own(choices)
    for problem in problems:
        _place(page, problem)
    page.messages = messages(problems, part)
    return page


def cited(observations: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Observations as choices of a recommendation."""
    return [(str(row["id"]), f"O{n}: {excerpt(row['text'])}") for n, row in enumerate(observations, 1)]


def excerpt(text: str) -> str:
    """The beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def problems_of(draft: Draft, reader: User) -> list[Problem]:
    """What is missing or wrong, with rows named by their ids instead of their numbers."""
    data = content.tidied(draft.data)
    return [named(problem, data) for problem in check(data, reader=reader)[1]]


def named(problem: Problem, data: Mapping[str, Any]) -> Problem:
    """The problem with the id of its row in place of the number."""
    name, *rest = problem.path
    if not rest or not isinstance(rest[0], int):
        return problem
    key = data[str(name)][rest[0]]["id"]
    return type(problem)((name, key, *rest[1:]), problem.text, problem.code)


def places(problems: Iterable[Problem], here: str) -> list[Place]:
    """All steps, each with the number of its problems."""
    found = by_step(problems)
    return [
        Place(slug, label, len(found.get(slug, ())), slug == here) for slug, label in content.STEPS.items()
    ]


def messages(problems: Iterable[Problem], data: Mapping[str, Any]) -> list[Message]:
    """Problems as links to their fields; one of a row says which row."""
    return [
        Message(f"{label(tuple(map(str, problem.path)), data)}: {problem.text}", step, anchor(problem.path))
        for step, found in by_step(problems).items()
        for problem in found
    ]


def anchor(path: Sequence[str | int]) -> str:
    """The id of the field that a path means."""
    name, *rest = (str(part) for part in path)
    if name == "labels":
        return f"field-{rest[0]}" if rest else "field-trigger"
    if name in content.COLUMNS:
        return f"id_{name}-{rest[0]}-{rest[1]}" if len(rest) > 1 else f"list-{name}"
    return f"id_{name}"


def label(path: Path, data: Mapping[str, Any]) -> str:
    """A field in words: `Observation 2, evidence`."""
    name, *rest = path
    if name == "labels":
        found = BY_SLUG.get(rest[0]) if rest else None
        return found.question.rstrip("?") if found else "Labels"
    if name not in content.COLUMNS:
        return NAMES.get(name, name)
    ids = [row["id"] for row in data.get(name, [])]
    number = f" {ids.index(rest[0]) + 1}" if rest and rest[0] in ids else "s" if not rest else ""
    return Row.titles[name] + number + (f", {NAMES.get(rest[1], rest[1]).lower()}" if len(rest) > 1 else "")


def clashes(conflicts: Iterable[Conflict], data: Mapping[str, Any]) -> list[Clash]:
    """Conflicts as a page shows them."""
    return [
        Clash(".".join(c.path), label(c.path, data), str(c.mine or ""), str(c.theirs or ""))
        for c in conflicts
    ]


def _place(page: StepPage, problem: Problem) -> None:
    name, *rest = (str(part) for part in problem.path)
    if name == "labels":
        for entry in page.labels:
            if rest and entry.field.slug == rest[0]:
                entry.errors.append(problem.text)
    elif name in page.lists:
        for row in page.lists[name]:
            if rest and row.id == rest[0]:
                row.form.say(rest[1] if len(rest) > 1 else "", problem.text)
    elif page.main is not None:
        page.main.say(name, problem.text)


def _labels(chosen: Mapping[str, Any]) -> list[LabelField]:
    terms = Term.objects.filter(vocabulary__in=BY_SLUG).order_by("vocabulary", "position", "pk")
    by_slug: dict[str, list[Option]] = {}
    for term in terms:
        given = chosen.get(term.vocabulary_id) or []
        is_chosen = term.code == given if isinstance(given, str) else term.code in given
        if is_chosen or not term.retired:
            by_slug.setdefault(term.vocabulary_id, []).append(Option(term, is_chosen))
    return [
        LabelField(
            entry,
            [
                (GROUPS.get(group, ""), list(options))
                for group, options in groupby(
                    by_slug.get(entry.slug, []), key=lambda option: option.term.group
                )
            ],
        )
        for entry in FIELDS
    ]

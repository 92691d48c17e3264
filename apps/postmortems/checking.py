"""From what was typed or sent to a review that can be filed, with everything that is missing or wrong.

`data` has the form of a draft: `timeline`, `observations`, `recommendations` and `actions` are lists of
objects with an `id` each; a recommendation's `cites` are ids of observations. Nothing here changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.accounts.models import User
from apps.actions.models import Direction, Metric
from apps.actions.models import Kind as ActionKind
from apps.actions.services import checks
from apps.catalog.models import Term
from apps.catalog.services import clean_slug
from apps.incidents.models import Incident

from .composing import compose
from .fields import Reading, day, moment
from .models import MAX_NARRATIVE, MAX_TITLE, Postmortem, TimelineEntry
from .review import Advice, Entry, Problem, Review, Seen, Task
from .words import FACTORS, FIELDS, TECHNICAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .words import Field

MAX_SUMMARY = 20_000
MAX_STATEMENT = 4_000
MAX_EVIDENCE = 2_000
MAX_REASON = 2_000
MAX_ROLE, MAX_SOURCE, MAX_AS_WRITTEN = 120, 200, 40
MAX_ENTRIES, MAX_STATEMENTS, MAX_TASKS = 300, 100, 50
EARLIEST_YEAR = 1970
KINDS = [Postmortem.Kind.INCIDENT.value, Postmortem.Kind.NEAR_MISS.value]
PRECISIONS = ["second", "minute", "hour", "day"]

STEP_OF = {
    "title": "what",
    "service": "what",
    "kind": "what",
    "incident": "what",
    "summary": "what",
    "timeline": "timeline",
    "labels": "labels",
    "no_human_factor_reason": "labels",
    "observations": "findings",
    "recommendations": "findings",
    "actions": "actions",
}


def check(data: Mapping[str, Any], *, reader: User) -> tuple[Review, list[Problem]]:
    """The review that `data` says, and what is wrong with it; only without problems may it be filed."""
    reading = Reading()
    observations, ids = _observations(reading, data.get("observations"))
    review = Review(
        title=reading.text(("title",), data.get("title"), MAX_TITLE, "Give it a title.").strip(),
        service=_service(reading, data.get("service")),
        kind=reading.code(("kind",), data.get("kind"), KINDS),
        incident_id=_incident(reading, data.get("incident"), reader),
        summary=reading.text(("summary",), data.get("summary"), MAX_SUMMARY, "Say in short what happened."),
        labels=_labels(reading, data.get("labels")),
        no_human_factor_reason=reading.text(
            ("no_human_factor_reason",), data.get("no_human_factor_reason"), MAX_REASON
        ).strip(),
        timeline=_timeline(reading, data.get("timeline")),
        observations=observations,
        recommendations=_recommendations(reading, data.get("recommendations"), ids),
        tasks=_tasks(reading, data.get("actions")),
    )
    _whole(reading, review)
    order = list(dict.fromkeys(STEP_OF.values()))
    found = sorted(reading.problems, key=lambda problem: order.index(STEP_OF[str(problem.path[0])]))
    return review, found


def _whole(reading: Reading, review: Review) -> None:
    factors = review.labels.get(FACTORS, ())
    if not review.no_human_factor_reason and all(term.group == TECHNICAL for term in factors):
        reading.refuse(
            ("no_human_factor_reason",),
            "Choose at least one human or organisational factor, or say why there is none.",
            "required",
        )
    if not reading.problems and len(compose(review).text) > MAX_NARRATIVE:
        reading.refuse(("summary",), f"All parts together have more than {MAX_NARRATIVE:,} characters.")


def _service(reading: Reading, given: Any) -> str:
    if not isinstance(given, str) or not given.strip():
        reading.refuse(("service",), "Name the service that was hurt.", "required")
        return ""
    return reading.called(("service",), lambda: clean_slug(given.strip())) or ""


def _incident(reading: Reading, given: Any, reader: User) -> int | None:
    if given in {None, ""}:
        return None
    text = str(given)
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0  # noqa: PLR2004  # a bigint
    if not Incident.objects.visible_to(reader).filter(pk=number).exists():
        reading.refuse(("incident",), f"There is no incident {text[:40]!r}.", "unknown_code")
        return None
    return number


def _labels(reading: Reading, given: Any) -> dict[str, tuple[Term, ...]]:
    chosen = given if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        reading.refuse(("labels",), "This is an object of codes by vocabulary.", "invalid")
    known = {field.slug for field in FIELDS}
    for slug in sorted(set(chosen) - known):
        reading.refuse(("labels", slug[:80]), "Reviews have no such labels.", "unknown_field")
    terms = {
        (term.vocabulary_id, term.code): term
        for term in Term.objects.filter(vocabulary__in=known).select_related("vocabulary")
    }
    return {field.slug: _terms(reading, field, chosen.get(field.slug), terms) for field in FIELDS}


def _terms(
    reading: Reading, field: Field, given: Any, known: Mapping[tuple[str, str], Term]
) -> tuple[Term, ...]:
    path = ("labels", field.slug)
    codes = [given] if isinstance(given, str) and given else given or []
    if not isinstance(codes, list | tuple) or any(not isinstance(code, str) for code in codes):
        reading.refuse(path, "These are codes.", "invalid")
        return ()
    if not codes and field.mandatory:
        reading.refuse(path, "Choose at least one." if field.many else "Choose one.", "required")
    if len(set(codes)) > 1 and not field.many:
        reading.refuse(path, "Choose one only.", "too_many")
    found = []
    for code in dict.fromkeys(codes):
        term = known.get((field.slug, code))
        if term is None:
            reading.refuse(path, f"There is no code {code[:80]!r}.", "unknown_code")
        elif term.retired:
            reading.refuse(path, f"{term.label} is no longer used. Choose another.", "retired_code")
        else:
            found.append(term)
    return tuple(found)


def _timeline(reading: Reading, given: Any) -> tuple[Entry, ...]:
    entries = []
    for index, row in enumerate(reading.rows(("timeline",), given, MAX_ENTRIES)):
        path = ("timeline", index)
        read = _time(reading, (*path, "at"), row.get("at"))
        text = reading.text((*path, "text"), row.get("text"), MAX_STATEMENT, "Say what happened then.")
        kind = reading.code((*path, "kind"), row.get("kind"), TimelineEntry.Kind.values)
        role = reading.text((*path, "actor_role"), row.get("actor_role"), MAX_ROLE)
        source = reading.text((*path, "source"), row.get("source"), MAX_SOURCE)
        exact = reading.code((*path, "precision"), row.get("precision"), PRECISIONS, optional=True)
        if read is not None:
            written = str(row.get("as_written") or row["at"])[:MAX_AS_WRITTEN]
            entries.append(Entry(read[0], exact or read[1], kind, text, role, source, written))
    return tuple(sorted(entries, key=lambda entry: entry.at))  # stable: those of one moment stay as written


def _time(reading: Reading, path: tuple[str | int, ...], given: Any) -> Any:
    if given in {None, ""}:
        reading.refuse(path, "When? For example 2026-11-20 14:02.", "required")
        return None
    read = moment(given)
    if read is None:
        reading.refuse(path, "Write the time as 2026-11-20 14:02, in UTC or with an offset: 14:02+01:00.")
    elif read[0] > timezone.now():
        reading.refuse(path, "This time has not come yet.")
    elif read[0].year < EARLIEST_YEAR:
        reading.refuse(path, f"Times begin with {EARLIEST_YEAR}.")
    else:
        return read
    return None


def _observations(reading: Reading, given: Any) -> tuple[tuple[Seen, ...], dict[str, int]]:
    """Observations, and the number of each id."""
    found, ids = [], {}
    rows = reading.rows(("observations",), given, MAX_STATEMENTS)
    for index, row in enumerate(rows):
        path = ("observations", index)
        text = reading.text((*path, "text"), row.get("text"), MAX_STATEMENT, "Say what was seen.")
        evidence = reading.text((*path, "evidence"), row.get("evidence"), MAX_EVIDENCE)
        found.append(Seen(text, evidence))
        ids[str(row.get("id"))] = index + 1
    if not rows:
        reading.refuse(("observations",), "Write down at least one observation.", "required")
    return tuple(found), ids


def _recommendations(reading: Reading, given: Any, ids: Mapping[str, int]) -> tuple[Advice, ...]:
    found = []
    for index, row in enumerate(reading.rows(("recommendations",), given, MAX_STATEMENTS)):
        path = ("recommendations", index)
        text = reading.text((*path, "text"), row.get("text"), MAX_STATEMENT, "Say what should change.")
        found.append(Advice(text, _cites(reading, (*path, "cites"), row.get("cites"), ids)))
    return tuple(found)


def _cites(
    reading: Reading, path: tuple[str | int, ...], given: Any, ids: Mapping[str, int]
) -> tuple[int, ...]:
    named = given if isinstance(given, list | tuple) else []
    foreign = [str(name)[:40] for name in named if str(name) not in ids]
    if foreign:
        reading.refuse(path, f"There is no observation {foreign[0]!r} in this review.", "unknown_code")
    numbers = tuple(sorted({ids[str(name)] for name in named if str(name) in ids}))
    if not numbers and not foreign:
        reading.refuse(path, "Choose the observations that it rests on, at least one.", "required")
    return numbers


def _tasks(reading: Reading, given: Any) -> tuple[Task, ...]:
    rows = reading.rows(("actions",), given, MAX_TASKS)
    names = [row["owner"] for row in rows if isinstance(row.get("owner"), str) and "\x00" not in row["owner"]]
    people = {user.username: user for user in User.objects.filter(username__in=names)} if names else {}
    tasks = [_task(reading, index, row, people) for index, row in enumerate(rows)]
    return tuple(task for task in tasks if task is not None)


def _task(reading: Reading, index: int, row: Mapping[str, Any], people: Mapping[str, User]) -> Task | None:
    path = ("actions", index)
    title = reading.called((*path, "title"), lambda: checks.title(str(row.get("title") or "")))
    owner = reading.called((*path, "owner"), lambda: checks.owner(people.get(str(row.get("owner") or ""))))
    due_on = day(row.get("due_on"))
    if due_on is None:
        reading.refuse((*path, "due_on"), "Write the due date as 2026-11-20.", "required")
    else:
        reading.called((*path, "due_on"), lambda: checks.due(due_on))
    kind = reading.code((*path, "kind"), row.get("kind"), ActionKind.values)
    metric = reading.code((*path, "metric"), row.get("metric"), Metric.values, optional=True)
    direction = reading.code((*path, "direction"), row.get("direction"), Direction.values, optional=True)
    reading.called(
        (*path, "direction" if metric else "metric"),
        lambda: checks.aim(
            insight_id=None, metric=metric, direction=direction, smallest_effect=None, user=owner or User()
        ),
    )
    if not (title and owner and due_on and kind):
        return None
    return Task(title, kind, owner, due_on, metric, direction)


def by_step(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    """Problems by the step of the form at which they can be mended."""
    found: dict[str, list[Problem]] = {}
    for problem in problems:
        found.setdefault(STEP_OF[str(problem.path[0])], []).append(problem)
    return found

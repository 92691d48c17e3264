"""Two people at one form: what the first changed, what the second typed, and a form that loses neither."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from apps.ui.forms import INPUT_FORMAT

from .checking import time_json
from .codes import TimeKind
from .forms import IncidentForm

if TYPE_CHECKING:
    from django.http import QueryDict

    from .errors import Missed, StaleError
    from .models import Incident

LABELS = {"is_drill": "A drill", "is_holdout": "Held out", "merged_into": "Merged into"}


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field that somebody else changed. `clash`: this editor changed it too, and their value is kept."""

    label: str
    theirs: str
    yours: str
    by: str
    at: datetime
    clash: bool


def merged(form: IncidentForm, error: StaleError, incident: Incident) -> tuple[IncidentForm, list[Conflict]]:
    """The form again, on top of the newest version.

    A field that only the other changed takes the other's value; one that both changed keeps what was typed
    here. Saving once more is then a decision and not an accident.
    """
    typed = _typed(form)
    data: QueryDict = form.data.copy()  # type: ignore[attr-defined]  # a bound form's data is a QueryDict
    data["version"] = str(error.version)
    conflicts = []
    for field, missed in error.missed.items():
        clash = field in typed and _plain(typed[field]) not in (_plain(missed.before), _plain(missed.after))
        if field in typed and not clash:
            _put(data, field, missed.after)
        conflicts.append(_conflict(missed, typed.get(field), clash=clash))
    return IncidentForm(data, incident=incident), conflicts


def _typed(form: IncidentForm) -> dict[str, Any]:
    """What this editor typed, in the form of `checking.snapshot`."""
    told = form.told()
    times = told.pop("times")
    told["series"] = sorted(set(told["series"]))
    return {**told, **{f"times.{kind}": time_json(value) for kind, value in times.items()}}


def _plain(value: Any) -> Any:
    """Comparable to what a form shows: times to the second."""
    if isinstance(value, dict) and value.get("at"):
        return {**value, "at": value["at"][:19]}
    return value


def _put(data: QueryDict, field: str, value: Any) -> None:
    if field.startswith("times."):
        kind = field.removeprefix("times.")
        at = value["at"]
        data[f"{kind}_at"] = datetime.fromisoformat(at).strftime(INPUT_FORMAT) if at else ""
        for part in ("status", "precision", "source"):
            data[f"{kind}_{part}"] = value[part]
    elif isinstance(value, list):
        data.setlist(field, value)
    elif isinstance(value, bool):
        data.pop(field, None)
        if value:
            data[field] = "on"
    else:
        data[field] = value


def _conflict(missed: Missed, yours: Any, *, clash: bool) -> Conflict:
    return Conflict(
        label=label(missed.field),
        theirs=shown(missed.after),
        yours=shown(yours) if clash else "",
        by=missed.by,
        at=missed.at,
        clash=clash,
    )


def label(field: str) -> str:
    """A field of the history in words."""
    if field.startswith("times."):
        return TimeKind(field.removeprefix("times.")).label
    return LABELS.get(field, field.capitalize())


def shown(value: Any) -> str:
    """A value of the history in words."""
    if isinstance(value, dict):
        at = value.get("at")
        words = at[:19].replace("T", " ") + " UTC" if at else str(value.get("status", "")).replace("_", " ")
        return f"{words} ({value['source']})" if value.get("source") else words
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in {None, ""} else str(value)

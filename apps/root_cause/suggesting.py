"""From what is known of a service and what was seen first, to ranked failure modes; or to none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apps.analysis import modes

from .errors import SuggesterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from apps.analysis.types import Floats

THRESHOLD = 0.5
"""The least chance of the first mode at which it is suggested: likelier right than wrong."""
SYMPTOM_WEIGHT = 2.0
"""Reviews of a mode as which the symptom's share over all modes counts."""
KINDS = ("trigger", "detection", "timing")
SHOWN = 5
TELLING = 1.25
"""A symptom is named as a reason if it is so many times likelier, or less likely, under the mode."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A failure mode with its chance after the symptoms, its chance before, why, and what ended such ones."""

    mode: str
    chance: float
    before: float
    reviews_here: float
    reasons: list[str]
    remediations: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The answer for one service. `abstained` leaves the candidates as a ranking without advice."""

    service: str
    abstained: bool
    why: str
    threshold: float
    candidates: list[Candidate]
    unheard: list[str]
    notes: list[str]


def parsed(symptoms: Sequence[str]) -> list[tuple[str, str]]:
    """Symptoms written as `trigger:config_push`, as kind and code.

    Raises:
        SuggesterError: another form or kind.
    """
    found = []
    for each in symptoms:
        kind, colon, code = each.partition(":")
        if not colon or kind not in KINDS or not code:
            raise SuggesterError(
                f"{each!a} is no symptom. Write kind:code, the kind one of {', '.join(KINDS)}."
            )
        found.append((kind, code))
    return found


def modes_of(prior: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The failure modes of a row of `failure_mode_prior`, the likeliest first; none of an empty one."""
    return list(json.loads(prior.get("modes_json") or "[]"))


def suggest(
    service: str,
    *,
    prior: Mapping[str, Any],
    knowledge: Mapping[str, Mapping[str, Any]],
    here: Mapping[str, Mapping[str, Any]],
    history: Mapping[str, Any],
    alarm: Mapping[str, Any],
    symptoms: Sequence[tuple[str, str]],
    threshold: float = THRESHOLD,
) -> Suggestion:
    """Rank failure modes.

    `prior` and `history` are rows of the service; `knowledge` rows of `remediation_prior` for any tier, by
    mode, and `here` those of the tier of the service, which speak of remediations where they exist. `alarm`
    is the detection profile of the series whose alarm began it, empty if none is named.
    """
    lines = modes_of(prior)
    if not lines:
        why = f"Nothing is known of how {service} fails: no review counts yet."
        unheard = [f"{kind}:{code}" for kind, code in symptoms]
        return Suggestion(
            service,
            abstained=True,
            why=why,
            threshold=threshold,
            candidates=[],
            unheard=unheard,
            notes=_notes(alarm, history),
        )
    names = [line["mode"] for line in lines]
    before = np.array([max(line["chance"], 1e-4) for line in lines])  # three digits: 0.000 is not never
    before /= before.sum()
    reviews = np.array([float(knowledge.get(name, {}).get("n_reviews") or 0) for name in names])
    seen = {symptom: _seen(symptom, names, knowledge) for symptom in symptoms}
    ratios = {
        symptom: modes.symptom_ratios(counts, reviews, SYMPTOM_WEIGHT) for symptom, counts in seen.items()
    }
    chances = modes.posterior(before, list(ratios.values()))
    order = np.argsort(-chances, kind="stable")
    candidates = [
        Candidate(
            mode=names[i],
            chance=round(float(chances[i]), 4),
            before=round(float(before[i]), 4),
            reviews_here=lines[i]["n"],
            reasons=[
                f"{lines[i]['n']:g} of {prior['n_reviews']} reviews of this service named it",
                *_telling(int(i), seen, ratios, reviews),
                *_repeats(lines[i], history),
            ],
            remediations=_remediations(here.get(names[i], {}), knowledge.get(names[i], {})),
        )
        for i in order[:SHOWN]
    ]
    top = candidates[0]
    abstained = top.chance < threshold
    why = (
        f"The likeliest mode, {top.mode}, has a chance of {top.chance:.0%}, below {threshold:.0%}."
        if abstained
        else f"{top.mode} has a chance of {top.chance:.0%}."
    )
    unheard = [f"{kind}:{code}" for (kind, code), counts in seen.items() if not counts.any()]
    return Suggestion(service, abstained, why, threshold, candidates, unheard, _notes(alarm, history))


def _seen(
    symptom: tuple[str, str], names: Sequence[str], knowledge: Mapping[str, Mapping[str, Any]]
) -> Floats:
    kind, code = symptom
    counts = []
    for name in names:
        told = json.loads(knowledge.get(name, {}).get("symptoms_json") or "{}")
        counts.append(float(told.get(kind, {}).get(code, 0)))
    return np.array(counts, dtype=np.float64)


def _telling(
    place: int,
    seen: Mapping[tuple[str, str], Floats],
    ratios: Mapping[tuple[str, str], Floats],
    reviews: Floats,
) -> list[str]:
    """What the symptoms say for or against the mode at `place`."""
    reasons = []
    for (kind, code), counts in seen.items():
        ratio = float(ratios[kind, code][place])
        if ratio >= TELLING or ratio <= 1 / TELLING:
            reasons.append(
                f"{kind} {code} in {counts[place]:g} of {reviews[place]:g} reviews of it: "
                f"{ratio:.1f} times as likely as over all modes"
            )
    return reasons


def _repeats(line: Mapping[str, Any], history: Mapping[str, Any]) -> list[str]:
    share = history.get("repeat_share")
    if not line["n"] or not share:
        return []
    return [f"{share:.0%} of the failures of this service repeated an earlier one"]


def _notes(alarm: Mapping[str, Any], history: Mapping[str, Any]) -> list[str]:
    """What else is known: whether this series cries wolf, and how often the service fails."""
    notes = []
    if alarm.get("precision_past") is not None:
        notes.append(
            f"{alarm['precision_past']:.0%} of the past alarms of {alarm['series']} were right "
            f"(release {alarm['release']})"
        )
    if history.get("incidents_30d") is not None:
        notes.append(f"{history['incidents_30d']} incidents of this service in 30 days")
    return notes


def _remediations(here: Mapping[str, Any], anywhere: Mapping[str, Any]) -> list[dict[str, Any]]:
    row = here if here.get("n_reviews") else anywhere
    return list(json.loads(row.get("remediations_json") or "[]"))

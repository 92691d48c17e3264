"""The steps from one release to another: which insights come, go or change, and what speaks for each series.

Both ends are what was served, to the letter; what lies between is composed from the manifests as a release
would be (`composition`). Values that no insight of a manifest accounts for are one more step without an
insight.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, TypeAlias

from apps.analysis import profiles
from apps.common.errors import InvalidInputError
from apps.evaluation.ablation import Layer
from apps.features import releases

from . import composition
from .models import Revision, ServedSignal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOTHING = 0
"""Stands for the empty release: the default everywhere."""
UNEXPLAINED = 0
"""The player of values that no insight of a manifest accounts for; insights count from 1."""
Manifest: TypeAlias = dict[int, int]


def manifests(release: int, against: int) -> tuple[Manifest, Manifest]:
    """What both releases serve, the one to compare against first.

    Raises:
        NotFoundError: no such release.
        InvalidInputError: the two are the same.
    """
    if release == against:
        raise InvalidInputError(
            "A release differs from itself in nothing.", field="against", remedy="Name another release."
        )
    found = [manifest(number) for number in (against, release)]
    return found[0], found[1]


def manifest(number: int) -> Manifest:
    """The revision of each insight that a release serves, by insight."""
    if number == NOTHING:
        return {}
    return {entry["insight"]: entry["revision"] for entry in releases.get_release(number).manifest}


def revisions(before: Manifest, after: Manifest) -> dict[tuple[int, int], Revision]:
    """Every revision that either release serves, by insight and number."""
    wanted = {*before.items(), *after.items()}
    rows = (
        Revision.objects.filter(insight__in={insight for insight, _ in wanted})
        .select_related("activation", "source_postmortem")
        .prefetch_related("gate_results")
    )
    return {(row.insight_id, row.number): row for row in rows if (row.insight_id, row.number) in wanted}


def seen(revisions: Mapping[tuple[int, int], Revision]) -> dict[str, int]:
    """The last sample of each series that a deciding backtest has seen, in microseconds since 1970."""
    found: dict[str, int] = {}
    for revision in revisions.values():
        result = composition.deciding_result(revision)
        for name, effect in (result.report.get("series", {}) if result else {}).items():
            if effect.get("end_us") is not None:
                found[name] = max(found.get(name, 0), int(effect["end_us"]))
    return found


def own_source(revision: Revision) -> frozenset[str]:
    """How telemetry names the incident whose postmortem a revision cites; empty without one."""
    postmortem = revision.source_postmortem
    if postmortem is None or postmortem.incident_id is None:
        return frozenset()
    return frozenset({f"incident:{postmortem.incident_id}"})


def layers(
    revisions: Mapping[tuple[int, int], Revision], before: Manifest, after: Manifest
) -> dict[str, list[Layer]]:
    """What speaks for each series under either release, in the order in which `composition` lets it."""
    rows = (
        ServedSignal.objects.filter(signal__revision__in=[revision.pk for revision in revisions.values()])
        .select_related("signal__revision")
        .order_by("series", "-specificity", "-signal__revision__activation__release", "-pk")
    )
    found: dict[str, list[Layer]] = defaultdict(list)
    for row in rows:
        insight, number = row.insight_id, row.signal.revision.number
        same = before.get(insight) == after.get(insight)
        found[row.series].append(
            Layer(
                player=None if same else insight,
                kind=row.signal.kind,
                columns=row.signal.columns,
                joins=after.get(insight) == number,
            )
        )
    return found


def overlays(
    release: int, against: int, found_layers: Mapping[str, list[Layer]], before: Manifest, after: Manifest
) -> dict[str, list[Layer]]:
    """Where what was served differs from what the manifest composes to: an import, say."""
    found: dict[str, list[Layer]] = defaultdict(list)
    everything = frozenset({*before, *after})
    for number, joins in ((against, False), (release, True)):
        served = releases.content_at(number) if number != NOTHING else {}
        made = everything if joins else frozenset()
        for name in served.keys() | found_layers.keys():
            values = served[name].values if name in served else {}
            if columns := _unexplained(values, composed(found_layers.get(name, ()), made)):
                found[name].append(Layer(UNEXPLAINED, "", columns, joins=joins))
    return found


def composed(layers: Iterable[Layer], made: frozenset[int]) -> dict[str, object]:
    """The columns of a series with these steps made: of each kind the first layer that speaks."""
    chosen: dict[str, Layer] = {}
    for layer in layers:
        if layer.speaks(made):
            chosen.setdefault(layer.kind, layer)
    return {column: value for kind in sorted(chosen) for column, value in chosen[kind].columns.items()}


def _unexplained(served: Mapping[str, object], composed: Mapping[str, object]) -> dict[str, object]:
    return {
        column: served.get(column)
        for column in profiles.SIGNAL_COLUMNS
        if served.get(column) != composed.get(column)
    }


def changes(
    revisions: Mapping[tuple[int, int], Revision],
    before: Manifest,
    after: Manifest,
    found_overlays: Mapping[str, object],
) -> dict[int, dict[str, Any]]:
    """Every insight of either release with what became of it, by number."""
    found: dict[int, dict[str, Any]] = {}
    for insight in sorted({*before, *after}):
        old, new = before.get(insight), after.get(insight)
        number = new if new is not None else old
        revision = revisions.get((insight, number or 0))
        found[insight] = {
            "insight": insight,
            "revision": number,
            "title": revision.title if revision else "",
            "change": _became(old, new),
        }
    if found_overlays:
        found[UNEXPLAINED] = {
            "insight": None,
            "revision": None,
            "title": "Values that no insight of the release accounts for",
            "change": "other",
        }
    return found


def _became(old: int | None, new: int | None) -> str:
    if old is None:
        return "added"
    if new is None:
        return "removed"
    return "unchanged" if old == new else "revised"

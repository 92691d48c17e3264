"""Online reads, one way for every door: what was asked for, the values, and what of them this consumer may
see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apps.common.times import iso_us

from . import masking
from .fact_schema import VIEWS
from .names import ACTIVE_SERVICE, ACTIVE_VIEW, JOIN_KEY, pinned_service, release_of_view
from .selecting import (
    MAX_FEATURES,
    MAX_ROWS,
    NameCollisionError,
    Selection,
    Standing,
    UnknownFeaturesError,
    check_entities,
    join_keys,
    join_keys_of,
    select,
    standing,
)
from .usage import NO_RELEASE, uses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .feast_store import Store

__all__ = [
    "MAX_FEATURES",
    "MAX_ROWS",
    "Answer",
    "Column",
    "NameCollisionError",
    "Selection",
    "Standing",
    "UnknownFeaturesError",
    "answer",
    "check_entities",
    "join_keys",
    "plain",
    "read",
    "select",
    "served_release",
    "standing",
    "strictest",
]

_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Column:
    """One output column: a value, a status and a moment for every entity row."""

    name: str
    values: list[Any]
    statuses: list[str]
    moments: list[str]


@dataclass(frozen=True)
class Answer:
    """Columns and the release that they are of: the active one where it was read, else the (newest) pinned
    one. No row of the active view is newer."""

    release: int | None
    columns: list[Column]

    def plain(self) -> dict[str, Any]:
        """As JSON, in the form of Feast's remote online store."""
        results = [
            {"values": column.values, "statuses": column.statuses, "event_timestamps": column.moments}
            for column in self.columns
        ]
        return {"metadata": {"feature_names": [column.name for column in self.columns]}, "results": results}


def strictest(*limits: float | None) -> float | None:
    """The highest of several confidence limits: a token's and a request's, say."""
    given = [limit for limit in limits if limit is not None]
    return max(given) if given else None


def read(store: Store, selection: Selection, series: list[str], **how: Any) -> list[Column]:
    """The columns of an `answer`."""
    return answer(store, selection, {JOIN_KEY: series}, **how).columns


def answer(
    store: Store,
    selection: Selection,
    entities: Mapping[str, list[str]],
    *,
    now: Standing,
    min_confidence: float | None,
    consumer: str,
) -> Answer:
    """The selected columns for `entities` (join key to values, all of one length), led by the join keys.

    Columns of profiles that have expired or are too uncertain are null.
    """
    store.refresh_if_moved(now.changes)
    at = iso_us(datetime.now(UTC))
    columns = [
        Column(key, list(rows), ["PRESENT"] * len(rows), [_EPOCH] * len(rows))
        for key, rows in entities.items()
    ]
    releases: dict[str, int | None] = {}
    for view in selection.views:
        keys = join_keys_of(view)
        vector = _vector(store, view, {key: entities[key] for key in keys})
        release: int | None = NO_RELEASE  # facts are counts, not lessons: nothing expires or is uncertain
        if view not in VIEWS:
            releases[view] = release = release_of_view(view) or _never_behind(now, vector)
            _hide(vector, entities[JOIN_KEY], min_confidence=min_confidence, at=at)
        for wanted, feature, name in selection.columns:
            if wanted == view:
                found = vector[feature]
                columns.append(Column(name, found.values, found.statuses, found.moments))
        if release is not None:
            uses.count(consumer, _service_of_view(view), release)
    pinned = max((number for number in releases.values() if number is not None), default=None)
    return Answer(releases.get(ACTIVE_VIEW, pinned), columns)


def served_release(store: Store, series: str) -> int | None:
    """The release under which an online read of `series` would answer now; None before the first."""
    now = standing()
    store.refresh_if_moved(now.changes)
    return _never_behind(now, _vector(store, ACTIVE_VIEW, {JOIN_KEY: [series]}))


def _never_behind(now: Standing, vector: Mapping[str, Column]) -> int | None:
    """The active release, or that of the newest row.

    Rows are written, and confirmed, before the pointer moves: for a moment readers see rows of a release that
    is not the active one yet. Looking at the pointer again afterwards could still find the old one.
    """
    rows = vector["release"].values
    return max((int(number) for number in (now.release, *rows) if number is not None), default=None)


def plain(value: Any) -> Any:
    """A Feast value as JSON that the stock client can infer types from: no NaN, no empty list, no mixed
    numbers."""
    kind = value.WhichOneof("val")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind.endswith("_list_val"):
        items = list(found.val)
        return ([float(item) for item in items] if kind.startswith(("float", "double")) else items) or None
    if isinstance(found, float) and not math.isfinite(found):
        return None
    return found


def _vector(store: Store, view: str, entities: Mapping[str, list[str]]) -> dict[str, Column]:
    # Always the whole service: Feast caches one resolution per distinct request, without bound.
    from feast.errors import FeastObjectNotFoundException
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    try:
        service = store.get_feature_service(_service_of_view(view), allow_cache=True)
    except FeastObjectNotFoundException as error:  # unpinned between the look at the database and here
        raise UnknownFeaturesError(str(error), field="feature_service", feast=type(error).__name__) from error
    found = store.get_online_features(features=service, entity_rows=dict(entities)).proto
    names = {number: FieldStatus.Name(number) for number in FieldStatus.values()}
    moments: dict[tuple[int, int], str] = {}  # one a row, not one a cell: formatting cost a third

    def text(moment: Any) -> str:
        key = (moment.seconds, moment.nanos)
        if key not in moments:
            moments[key] = moment.ToJsonString()
        return moments[key]

    return {
        name: Column(
            name,
            [plain(value) for value in result.values],
            [names[status] for status in result.statuses],
            [text(moment) for moment in result.event_timestamps],
        )
        for name, result in zip(found.metadata.feature_names.val, found.results, strict=True)
        if name not in entities
    }


def _hide(vector: Mapping[str, Column], series: list[str], *, min_confidence: float | None, at: str) -> None:
    confidence, expires_at = vector["confidence"].values, vector["expires_at"].values
    suspects = [
        i
        for i in range(len(series))
        if masking.may_hide(
            confidence=confidence[i], expires_at=expires_at[i], min_confidence=min_confidence, at=at
        )
    ]
    pairs = {i: (series[i], int(vector["release"].values[i])) for i in suspects}
    sources = masking.look_up(pairs.values())
    for i, pair in pairs.items():
        mask = masking.mask(sources.get(pair, {}), min_confidence=min_confidence, at=at)
        for name in mask.hidden:
            vector[name].values[i] = None
        for name, value in mask.replaced.items():
            vector[name].values[i] = value


def _service_of_view(view: str) -> str:
    if view in VIEWS:
        return view
    release = release_of_view(view)
    return ACTIVE_SERVICE if release is None else pinned_service(release)

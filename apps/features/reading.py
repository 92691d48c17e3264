"""Online reads, one way for every door: what was asked for, the values, and what of them this consumer may
see."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.db import connection

from apps.common.errors import InvalidInputError, NotFoundError
from apps.common.times import iso_us

from . import masking
from .models import SERIES_LENGTH
from .names import (
    ACTIVE_SERVICE,
    ACTIVE_VIEW,
    JOIN_KEY,
    pinned_service,
    pinned_view,
    release_of_service,
    release_of_view,
)
from .schema import TYPES
from .usage import uses

if TYPE_CHECKING:
    from .feast_store import Store

MAX_ROWS = 1_000
MAX_FEATURES = 500
_EPOCH = "1970-01-01T00:00:00Z"

_STANDING = """
    SELECT p.release_id, p.changes,
           ARRAY(SELECT release_id FROM features_pin WHERE state = 'pinned' AND served_at IS NOT NULL)
    FROM (SELECT 1) one LEFT JOIN features_activepointer p ON true
"""


class UnknownFeaturesError(NotFoundError):
    """A service, view or feature that does not exist, or is no longer pinned. `feast` names Feast's own
    class."""

    code = "unknown_features"

    def __init__(self, detail: str, *, field: str, feast: str) -> None:
        super().__init__(detail, field=field, remedy="The client folder lists what there is.")
        self.feast = feast


class NameCollisionError(InvalidInputError):
    """Two views would fill one column name."""

    code = "name_collision"
    feast = "FeatureNameCollisionError"


@dataclass(frozen=True)
class Standing:
    """What is readable now: the active release (None before the first), the publication counter, the pins."""

    release: int | None
    changes: int
    pins: frozenset[int]


@dataclass(frozen=True)
class Selection:
    """Columns asked for, as (view, feature, output name), in the order in which they are answered."""

    columns: tuple[tuple[str, str, str], ...]

    @property
    def views(self) -> tuple[str, ...]:
        """Each view once."""
        return tuple(dict.fromkeys(view for view, _, _ in self.columns))


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


def standing() -> Standing:
    """What is readable now, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_STANDING)
        release, changes, pins = cursor.fetchone()
    return Standing(release, changes or 0, frozenset(pins))


def select(
    now: Standing,
    *,
    feature_service: str | None = None,
    features: Sequence[str] | None = None,
    full_names: bool = False,
) -> Selection:
    """Resolve a service name or a list of `view:feature`, against what is readable `now`.

    Raises:
        InvalidInputError: neither or both are given, too many, or a malformed reference.
        UnknownFeaturesError: something that is not there.
        NameCollisionError: two views, one name; `full_names` would tell them apart.
    """
    if (feature_service is None) == (not features):
        raise InvalidInputError("Give either feature_service or features.", field="feature_service")
    if feature_service is not None:
        view = _view_of_service(now, feature_service)
        wanted = [(view, feature) for feature in TYPES]
    else:
        wanted = [_reference(now, reference) for reference in _references(features)]
    named = tuple((v, f, f"{v}__{f}" if full_names else f) for v, f in dict.fromkeys(wanted))
    names = [name for _, _, name in named]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise NameCollisionError(
            f"{', '.join(twice)}: in two views; ask for full_feature_names.", field="features"
        )
    return Selection(named)


def check_entities(entities: Any) -> list[str]:
    """The series asked for.

    Raises:
        InvalidInputError: not exactly the join key, not 1 to 1000 rows, or not text.
    """
    if not isinstance(entities, Mapping) or set(entities) != {JOIN_KEY}:
        raise InvalidInputError(f"entities must be exactly ['{JOIN_KEY}']", field="entities")
    rows = entities[JOIN_KEY]
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ROWS:
        raise InvalidInputError(f"entities: 1 to {MAX_ROWS} rows of {JOIN_KEY}", field="entities")
    if not all(isinstance(row, str) and "\x00" not in row and len(row) <= SERIES_LENGTH for row in rows):
        raise InvalidInputError(f"entities: every {JOIN_KEY} is text (service/metric)", field="entities")
    return rows


def strictest(*limits: float | None) -> float | None:
    """The highest of several confidence limits: a token's and a request's, say."""
    given = [limit for limit in limits if limit is not None]
    return max(given) if given else None


def read(store: Store, selection: Selection, series: list[str], **how: Any) -> list[Column]:
    """The columns of an `answer`."""
    return answer(store, selection, series, **how).columns


def answer(
    store: Store,
    selection: Selection,
    series: list[str],
    *,
    now: Standing,
    min_confidence: float | None,
    consumer: str,
) -> Answer:
    """The selected columns for `series`, led by the join key; expired and too uncertain columns are null."""
    store.refresh_if_moved(now.changes)
    at = iso_us(datetime.now(UTC))
    columns = [Column(JOIN_KEY, list(series), ["PRESENT"] * len(series), [_EPOCH] * len(series))]
    releases: dict[str, int | None] = {}
    for view in selection.views:
        vector = _vector(store, view, series)
        releases[view] = release = release_of_view(view) or _never_behind(now, vector)
        _hide(vector, series, min_confidence=min_confidence, at=at)
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
    return _never_behind(now, _vector(store, ACTIVE_VIEW, [series]))


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


def _vector(store: Store, view: str, series: list[str]) -> dict[str, Column]:
    # Always the whole service: Feast caches one resolution per distinct request, without bound.
    from feast.errors import FeastObjectNotFoundException
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    try:
        service = store.get_feature_service(_service_of_view(view), allow_cache=True)
    except FeastObjectNotFoundException as error:  # unpinned between the look at the database and here
        raise UnknownFeaturesError(str(error), field="feature_service", feast=type(error).__name__) from error
    found = store.get_online_features(features=service, entity_rows={JOIN_KEY: series}).proto
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
        if name != JOIN_KEY
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


def _view_of_service(now: Standing, service: str) -> str:
    release = release_of_service(service)
    if service != ACTIVE_SERVICE and (release is None or release not in now.pins):
        raise UnknownFeaturesError(
            f"Feature service {service} does not exist",
            field="feature_service",
            feast="FeatureServiceNotFoundException",
        )
    return ACTIVE_VIEW if release is None else pinned_view(release)


def _service_of_view(view: str) -> str:
    release = release_of_view(view)
    return ACTIVE_SERVICE if release is None else pinned_service(release)


def _references(features: Any) -> list[str]:
    if not isinstance(features, list | tuple) or len(features) > MAX_FEATURES:
        raise InvalidInputError(f"features is a list of at most {MAX_FEATURES} names.", field="features")
    if not all(isinstance(item, str) for item in features):
        raise InvalidInputError("features are texts like view:feature.", field="features")
    return list(features)


def _reference(now: Standing, reference: str) -> tuple[str, str]:
    view, colon, feature = reference.partition(":")
    if not colon:
        raise InvalidInputError(f"{reference!r} is not of the form view:feature.", field="features")
    release = release_of_view(view)
    if view != ACTIVE_VIEW and (release is None or release not in now.pins):
        raise UnknownFeaturesError(
            f"Feature view {view} does not exist", field="features", feast="FeatureViewNotFoundException"
        )
    if feature not in TYPES:
        raise UnknownFeaturesError(
            f"Feature {feature} does not exist in {view}",
            field="features",
            feast="FeastObjectNotFoundException",
        )
    return view, feature

"""What a reader asks for, against what is readable now: services, views, columns and entities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.common.errors import InvalidInputError, NotFoundError

from .fact_schema import VIEWS
from .models import SERIES_LENGTH
from .names import (
    ACTIVE_SERVICE,
    ACTIVE_VIEW,
    JOIN_KEY,
    SERVICE,
    pinned_view,
    release_of_service,
    release_of_view,
)
from .schema import TYPES

MAX_ROWS = 1_000
MAX_FEATURES = 500
_FORMS = {JOIN_KEY: "service/metric", SERVICE: "a slug"}

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


class TrainingOnlyError(InvalidInputError):
    """A view that is joined to training rows, and never served online."""

    code = "training_only"
    feast = "FeastError"


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

    @property
    def join_keys(self) -> list[str]:
        """Each join key of these views once."""
        return sorted({key for view in self.views for key in join_keys_of(view)})

    @property
    def facts(self) -> tuple[str, ...]:
        """The views of facts among them."""
        return tuple(view for view in self.views if view in VIEWS)


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
    for_training: bool = False,
) -> Selection:
    """Resolve a service name or a list of `view:feature`, against what is readable `now`.

    Raises:
        TrainingOnlyError: a view that has no online rows, unless this is `for_training`.
        InvalidInputError: neither or both are given, too many, or a malformed reference.
        UnknownFeaturesError: something that is not there.
        NameCollisionError: two views, one name; `full_names` would tell them apart.
    """
    if (feature_service is None) == (not features):
        raise InvalidInputError("Give either feature_service or features.", field="feature_service")
    if feature_service is not None:
        view = _view_of_service(now, feature_service)
        wanted = [(view, feature) for feature in types_of(view)]
    else:
        wanted = [_reference(now, reference) for reference in _references(features)]
    if not for_training:
        _refuse_training_only(view for view, _ in wanted)
    named = tuple((v, f, f"{v}__{f}" if full_names else f) for v, f in dict.fromkeys(wanted))
    names = [name for _, _, name in named]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise NameCollisionError(
            f"{', '.join(twice)}: in two views; ask for full_feature_names.", field="features"
        )
    return Selection(named)


def types_of(view: str) -> Mapping[str, str]:
    """The columns of a view with their types, in order."""
    return VIEWS[view].types if view in VIEWS else TYPES


def join_keys_of(view: str) -> tuple[str, ...]:
    """What the rows of a view are about: `series`, or the join keys of a view of facts."""
    return VIEWS[view].join_keys if view in VIEWS else (JOIN_KEY,)


def form_of(key: str) -> str:
    """What the values of a join key look like."""
    return _FORMS.get(key, "a code")


def join_keys(*, feature_service: Any = None, features: Any = None) -> list[str]:
    """The join keys that a request needs, sorted; by the names alone, whether they exist or not."""
    if features and isinstance(features, list | tuple) and not feature_service:
        views = [str(reference).partition(":")[0] for reference in features]
    else:
        views = [feature_service if isinstance(feature_service, str) else ACTIVE_SERVICE]
    return sorted({key for view in views for key in join_keys_of(view)})


def check_entities(entities: Any, keys: Sequence[str] = (JOIN_KEY,)) -> dict[str, list[str]]:
    """The entities asked for, by join key.

    Raises:
        InvalidInputError: not exactly the join keys, not 1 to 1000 rows, not as many of each, or not text.
    """
    if not isinstance(entities, Mapping) or set(entities) != set(keys):
        raise InvalidInputError(f"entities must be exactly {sorted(keys)}", field="entities")
    for key in keys:
        rows = entities[key]
        if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ROWS:
            raise InvalidInputError(f"entities: 1 to {MAX_ROWS} rows of {key}", field="entities")
        if not all(isinstance(row, str) and "\x00" not in row and len(row) <= SERIES_LENGTH for row in rows):
            raise InvalidInputError(f"entities: every {key} is text ({form_of(key)})", field="entities")
    if len({len(entities[key]) for key in keys}) > 1:
        raise InvalidInputError(f"entities: as many rows of {' as of '.join(keys)}", field="entities")
    return {key: entities[key] for key in keys}


def _refuse_training_only(views: Iterable[str]) -> None:
    for view in views:
        if view in VIEWS and not VIEWS[view].is_online:
            raise TrainingOnlyError(
                f"{view} is for training only and never served online",
                field="features",
                remedy="Join it to rows of the past: POST /api/v1/features/historical, or historical.py.",
            )


def _view_of_service(now: Standing, service: str) -> str:
    if service in VIEWS:
        return service
    release = release_of_service(service)
    if service != ACTIVE_SERVICE and (release is None or release not in now.pins):
        raise UnknownFeaturesError(
            f"Feature service {service} does not exist",
            field="feature_service",
            feast="FeatureServiceNotFoundException",
        )
    return ACTIVE_VIEW if release is None else pinned_view(release)


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
    if view != ACTIVE_VIEW and view not in VIEWS and (release is None or release not in now.pins):
        raise UnknownFeaturesError(
            f"Feature view {view} does not exist", field="features", feast="FeatureViewNotFoundException"
        )
    if feature not in types_of(view):
        raise UnknownFeaturesError(
            f"Feature {feature} does not exist in {view}",
            field="features",
            feast="FeastObjectNotFoundException",
        )
    return view, feature

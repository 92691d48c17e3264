"""Training data: a Parquet table of entity rows comes in, the same table with feature columns goes out.

Rows keep their order, number and own columns. Every value is one that was known at its row's time, and that
had not expired by then. pandas and pyarrow are loaded by the first call.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from apps.common.errors import InvalidInputError
from apps.common.times import iso_us

from . import masking
from .entity_table import TIME, keys_of, times_of
from .fact_schema import VIEWS
from .names import JOIN_KEY
from .selecting import NameCollisionError, Selection, join_keys_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pyarrow as pa

    from .feast_store import Store

MEDIA_TYPE = "application/vnd.apache.parquet"
MAX_TRAINING_ONLY_ROWS = 2_000  # each may hold 100 kB of JSON
_NEEDED = ("release", "status", "confidence", "expires_at")  # to decide what a consumer may see


def write_parquet(table: pa.Table) -> bytes:
    """`table` as a Parquet file."""
    from pyarrow import parquet

    out = io.BytesIO()
    parquet.write_table(table, out, compression="zstd")
    return out.getvalue()


def join(
    store: Store,
    table: pa.Table,
    selection: Selection,
    *,
    as_of: datetime | None = None,
    min_confidence: float | None = None,
) -> pa.Table:
    """`table` with the selected columns appended, each joined at its row's `event_timestamp`, or all at
    `as_of`.

    A time without zone is UTC, as everywhere in Feast.

    Raises:
        InvalidInputError: the join key or the times are missing, null or of another type; or too many rows.
        NameCollisionError: the table has a column of a feature's name already.
    """
    import pandas as pd

    _check_size(table, selection)

    taken = sorted(set(table.column_names) & {name for _, _, name in selection.columns})
    if taken:
        raise NameCollisionError(
            f"The table has columns named like features: {', '.join(taken)}.",
            field="body",
            remedy="Rename them, or ask for full_feature_names=true.",
        )
    times = times_of(table) if as_of is None else [as_of] * table.num_rows
    moments = pd.to_datetime(pd.Series(times), utc=True)
    keys = {key: keys_of(table, key) for key in selection.join_keys}
    joined: dict[tuple[str, str], pa.ChunkedArray] = {}
    for view in selection.views:
        wanted = [feature for v, feature, _ in selection.columns if v == view]
        needed = () if view in VIEWS else _NEEDED
        entities = pd.DataFrame({**{key: keys[key] for key in join_keys_of(view)}, TIME: moments})
        references = [f"{view}:{feature}" for feature in dict.fromkeys((*wanted, *needed))]
        found = store.get_historical_features(entity_df=entities, features=references).to_arrow()
        if view not in VIEWS:
            found = _hide(found, entities, min_confidence=min_confidence)
        joined.update({(view, feature): found.column(feature) for feature in wanted})
    for view, feature, name in selection.columns:
        table = table.append_column(name, joined[view, feature])
    return table


def _check_size(table: pa.Table, selection: Selection) -> None:
    heavy = [view for view in selection.facts if not VIEWS[view].is_online]
    if heavy and table.num_rows > MAX_TRAINING_ONLY_ROWS:
        raise InvalidInputError(
            f"{heavy[0]} is joined to at most {MAX_TRAINING_ONLY_ROWS:,} rows at a time.",
            field="body",
            remedy="Ask once for each series, at the moment of the training, and label your rows by that.",
        )


def _hide(found: pa.Table, entities: Any, *, min_confidence: float | None) -> pa.Table:
    """`found` with what had expired at a row's time, or is too uncertain, replaced by null."""
    import pandas as pd

    rows = {name: found.column(name).to_pylist() for name in ("release", "confidence", "expires_at")}
    if min_confidence is None and not any(rows["expires_at"]):
        return found
    moments = [iso_us(moment) for moment in pd.DatetimeIndex(entities[TIME].dt.floor("us")).to_pydatetime()]
    suspects = [
        i
        for i, at in enumerate(moments)
        if masking.may_hide(
            confidence=rows["confidence"][i],
            expires_at=rows["expires_at"][i],
            min_confidence=min_confidence,
            at=at,
        )
    ]
    pairs = {i: (str(entities[JOIN_KEY][i]), int(rows["release"][i])) for i in suspects}
    sources = masking.look_up(pairs.values())
    masks = {
        i: masking.mask(sources.get(pair, {}), min_confidence=min_confidence, at=moments[i])
        for i, pair in pairs.items()
    }
    return _applied(found, masks)


def _applied(found: pa.Table, masks: Mapping[int, masking.Mask]) -> pa.Table:
    import pyarrow as pa

    touched = {name for mask in masks.values() for name in (*mask.hidden, *mask.replaced)}
    for index, name in enumerate(found.column_names):
        if name not in touched:
            continue
        values = found.column(name).to_pylist()
        for row, mask in masks.items():
            if name in mask.hidden:
                values[row] = None
            elif name in mask.replaced:
                values[row] = mask.replaced[name]
        found = found.set_column(index, name, pa.array(values, type=found.schema.field(name).type))
    return found

"""Feast's offline store with a LATERAL point-in-time join (ADR 0002).

Each entity row looks up the newest feature row at or before its time through an index, where the stock
template joins everything with everything first. Entity rows go by COPY into a temporary table of the reading
transaction, so that a crash leaves nothing behind; only join keys and times are uploaded. Every row comes
back, once, in its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import psycopg
import pyarrow as pa
from feast.infra.offline_stores import offline_utils
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres import (
    PostgreSQLOfflineStore,
    PostgreSQLOfflineStoreConfig,
    PostgreSQLRetrievalJob,
)
from feast.infra.offline_stores.offline_store import RetrievalMetadata
from feast.type_map import pg_type_code_to_arrow
from psycopg import sql
from pydantic import Field

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from feast import FeatureView, RepoConfig
    from feast.infra.registry.base_registry import BaseRegistry

_TIMESTAMPTZ_OID = 1184
_ROW = "__row"


class LateralOfflineStoreConfig(PostgreSQLOfflineStoreConfig):
    """`conninfo` is a libpq string; it stays out of reprs since it holds the password."""

    type: Literal["apps.features.feast_offline.LateralOfflineStore"] = (
        "apps.features.feast_offline.LateralOfflineStore"  # type: ignore[assignment]  # Feast tells stores by it
    )
    conninfo: str = Field(repr=False)


class LateralOfflineStore(PostgreSQLOfflineStore):
    """The stock store with its point-in-time join replaced; materialisation stays the stock one's."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        **kwargs: Any,
    ) -> LateralRetrievalJob:
        """Join `feature_refs` to `entity_df` at each row's time.

        Raises:
            TypeError: `entity_df` is SQL or missing: entity rows come as a table, never as a query.
        """
        del kwargs
        if not isinstance(entity_df, pd.DataFrame):
            raise TypeError("entity rows must be a table; SQL and date ranges are refused")
        time_column = offline_utils.infer_event_timestamp_from_entity_df(dict(entity_df.dtypes))
        keys = sorted(offline_utils.get_expected_join_keys(project, feature_views, registry))
        missing = [key for key in keys if key not in entity_df.columns]
        if missing:
            raise ValueError(f"entity columns missing: {missing}")
        times = pd.to_datetime(entity_df[time_column], utc=True).dt.floor("us")
        contexts = offline_utils.get_feature_view_query_context(
            feature_refs, feature_views, registry, project, (times.min(), times.max())
        )
        views = [
            _lateral(
                context, alias=f"v{i}", full_names=full_feature_names, created=filter_by_created_timestamp
            )
            for i, context in enumerate(contexts)
        ]
        return LateralRetrievalJob(
            query=_query(views),
            config=config,
            full_feature_names=full_feature_names,
            metadata=RetrievalMetadata(
                features=feature_refs,
                keys=[c for c in entity_df.columns if c != time_column],
                min_event_timestamp=times.min(),
                max_event_timestamp=times.max(),
            ),
            entity_df=entity_df,
            times=times,
            keys=keys,
        )


class LateralRetrievalJob(PostgreSQLRetrievalJob):
    """Runs the join in one transaction; the entity table keeps its columns, types, order and duplicates."""

    def __init__(
        self,
        *,
        query: sql.Composed,
        config: RepoConfig,
        full_feature_names: bool,
        metadata: RetrievalMetadata,
        entity_df: pd.DataFrame,
        times: pd.Series[pd.Timestamp],
        keys: Sequence[str],
    ) -> None:
        super().__init__(query.as_string(None), config, full_feature_names, [], metadata)
        self._join = query
        self._entity_df = entity_df
        self._times = times
        self._keys = list(keys)

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        del timeout
        table = pa.Table.from_pandas(self._entity_df, preserve_index=False)
        with (
            psycopg.connect(self.config.offline_store.conninfo) as connection,
            connection.cursor(binary=True) as cursor,
        ):
            self._upload(cursor)
            cursor.execute(self._join)
            columns = cursor.description or []
            rows = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(columns)
        for column, values in zip(columns[1:], rows[1:], strict=True):
            table = table.append_column(column.name, pa.array(values, type=_arrow_type(column.type_code)))
        return table

    def _upload(self, cursor: psycopg.Cursor[Any]) -> None:
        typed = [
            sql.SQL("{} {}").format(sql.Identifier(key), sql.SQL(_sql_type(self._entity_df[key])))
            for key in self._keys
        ]
        cursor.execute(
            sql.SQL("CREATE TEMP TABLE entity_rows ({} int, known_by timestamptz, {}) ON COMMIT DROP").format(
                sql.Identifier(_ROW), sql.SQL(", ").join(typed)
            )
        )
        moments: list[datetime] = pd.DatetimeIndex(self._times).to_pydatetime().tolist()
        keys = [self._entity_df[key].tolist() for key in self._keys]
        with cursor.copy("COPY entity_rows FROM STDIN") as copy:
            for number, row in enumerate(zip(moments, *keys, strict=True)):
                copy.write_row((number, *row))


def _query(views: Sequence[tuple[list[sql.Composed], sql.Composed]]) -> sql.Composed:
    columns = [column for names, _ in views for column in names]
    return sql.SQL("SELECT {} FROM entity_rows AS e {} ORDER BY e.{}").format(
        sql.SQL(", ").join([sql.SQL("e.{}").format(sql.Identifier(_ROW)), *columns]),
        sql.SQL(" ").join(join for _, join in views),
        sql.Identifier(_ROW),
    )


def _lateral(
    context: offline_utils.FeatureViewQueryContext, *, alias: str, full_names: bool, created: bool
) -> tuple[list[sql.Composed], sql.Composed]:
    """The output columns of one view and its LATERAL join. The source's query is ours; names are quoted."""
    view = sql.Identifier(alias)
    moment = sql.Identifier("s", context.timestamp_field)
    names = []
    for feature in context.features:
        shown = context.field_mapping.get(feature, feature)
        output = f"{context.name}__{shown}" if full_names else shown
        names.append(sql.SQL("{}.{} AS {}").format(view, sql.Identifier(feature), sql.Identifier(output)))
    wanted = [sql.SQL("s.{k} = e.{k}").format(k=sql.Identifier(key)) for key in context.entities]
    wanted.append(sql.SQL("{} <= e.known_by").format(moment))
    order = [sql.SQL("{} DESC").format(moment)]
    if context.ttl:
        wanted.append(
            sql.SQL("{} >= e.known_by - {} * interval '1 second'").format(moment, sql.Literal(context.ttl))
        )
    if context.created_timestamp_column:
        made = sql.Identifier("s", context.created_timestamp_column)
        order.append(sql.SQL("{} DESC").format(made))
        if created:
            wanted.append(sql.SQL("{} <= e.known_by").format(made))
    join = sql.SQL(
        "LEFT JOIN LATERAL (SELECT {} FROM {} AS s WHERE {} ORDER BY {} LIMIT 1) AS {} ON TRUE"
    ).format(
        sql.SQL(", ").join(sql.Identifier("s", feature) for feature in context.features),
        sql.SQL(context.table_subquery),  # the definition's own query, not user text
        sql.SQL(" AND ").join(wanted),
        sql.SQL(", ").join(order),
        view,
    )
    return names, join


def _sql_type(column: pd.Series[Any]) -> str:
    return "bigint" if pd.api.types.is_integer_dtype(column) else "text"


def _arrow_type(code: int) -> pa.DataType:
    # The stock mapping drops the zone, and with it the meaning, of a timestamptz.
    return pa.timestamp("us", tz="UTC") if code == _TIMESTAMPTZ_OID else pg_type_code_to_arrow(code)

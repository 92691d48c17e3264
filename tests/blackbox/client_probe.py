"""Runs in the environment of a stock `pip install feast==0.67.0` and nothing of ours: reads, prints JSON.

Usage: client_probe.py FOLDER URL < commands.json   (the token is in AFTERCAST_TOKEN)
"""

from __future__ import annotations

import io
import json
import os
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

warnings.filterwarnings("ignore")

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import requests
from feast import FeatureStore

FOLDER, URL = sys.argv[1], sys.argv[2]
store = FeatureStore(repo_path=FOLDER)
COLUMNS = ["series", "status", "release", "version", "theta_log2", "direction", "known_at_iso"]


def online(service: str, series: list[str]) -> list[dict[str, object]]:
    features = store.get_feature_service(service)
    answer = store.get_online_features(
        features=features, entity_rows=[{"series": name} for name in series]
    ).to_dict()
    return [{column: answer[column][row] for column in COLUMNS} for row in range(len(series))]


def online_refs(refs: list[str], series: list[str]) -> dict[str, list[object]]:
    return store.get_online_features(
        features=refs, entity_rows=[{"series": name} for name in series]
    ).to_dict()


def historical(service: str, rows: list[list[str]], **params: str) -> list[dict[str, object]]:
    frame = pd.DataFrame(rows, columns=["series", "event_timestamp"])
    frame["event_timestamp"] = pd.to_datetime(frame["event_timestamp"], utc=True, format="ISO8601")
    body = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), body)
    reply = requests.post(
        f"{URL}/api/v1/features/historical",
        params={"feature_service": service, **params},
        data=body.getvalue(),
        headers={
            "Authorization": f"Bearer {os.environ['AFTERCAST_TOKEN']}",
            "Content-Type": "application/vnd.apache.parquet",
        },
        timeout=60,
    )
    reply.raise_for_status()
    table = pq.read_table(io.BytesIO(reply.content)).to_pylist()
    return [{column: row[column] for column in COLUMNS} for row in table]


def failure(service: str, series: list[str]) -> str:
    try:
        store.get_online_features(features=[service], entity_rows=[{"series": name} for name in series])
    except Exception as error:  # noqa: BLE001  # the type is what the probe reports
        return f"{type(error).__name__}: {error}"
    return ""


COMMANDS: dict[str, Callable[..., object]] = {
    "online": online,
    "online_refs": online_refs,
    "historical": historical,
    "failure": failure,
}
results = [COMMANDS[name](*arguments, **options) for name, arguments, options in json.load(sys.stdin)]
print(json.dumps(results))

"""The server as a ranker needs it: client folder, features by Feast, training rows and alarms over HTTP."""

from __future__ import annotations

import asyncio
import io
import logging
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from .errors import RankerError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

log = logging.getLogger("aftercast.ranker")
CONFIGURATION = "feature_store.yaml"
ETAG_FILE = ".etag"
TIMEOUT_S = 600.0
ONLINE_ROWS, TRAINING_ROWS, LABEL_ROWS, ALARMS = 1_000, 50_000, 2_000, 200  # of one request
PARQUET = "application/vnd.apache.parquet"


class Bearer(AuthBase):
    """The token. As an auth object, since requests would let an entry of ~/.netrc replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class Server:
    """One installation, at `url`."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.rstrip("/")
        self._auth = Bearer(token)

    def fetch(self, folder: Path) -> bool:
        """Bring the client folder up to date; False if it was.

        Raises:
            RankerError: the server refuses or stays away, or its zip does not stay inside the folder.
        """
        etag_file = folder / ETAG_FILE
        known = etag_file.is_file() and (folder / CONFIGURATION).is_file()
        headers = {"If-None-Match": etag_file.read_text()} if known else {}
        reply = self._call("GET", "/api/v1/features/client.zip", headers=headers)
        if reply.status_code == requests.codes.not_modified:
            return False
        folder.mkdir(parents=True, exist_ok=True)
        etag_file.unlink(missing_ok=True)  # half a folder must not pass for a whole one
        with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
            for entry in archive.infolist():
                name = entry.filename.split("/")
                if len(name) != 2 or {"", ".", ".."} & set(name) or "\\" in name[1]:  # noqa: PLR2004
                    raise RankerError(f"The zip holds {entry.filename!a}, which is no file of the folder.")
                (folder / name[1]).write_bytes(archive.read(entry))
        etag_file.write_text(reply.headers["ETag"])
        return True

    def alarms(self) -> list[tuple[str, str, float]]:
        """Series, time and score of every alarm that was reported, by time."""
        found: list[tuple[str, str, float]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": ALARMS} | ({"cursor": cursor} if cursor else {})
            page = self._call("GET", "/api/v1/alarms", params=query).json()
            found += [(row["series"], row["at"], row["score"]) for row in page["items"]]
            cursor = page["next"]
        return found

    def historical(self, rows: pd.DataFrame, service: str, at_once: int = TRAINING_ROWS) -> pd.DataFrame:
        """`rows` (join keys and `event_timestamp`) with the features that were known at each row's time.

        Raises:
            RankerError: the server refuses.
        """
        import pandas as pd  # noqa: PLC0415  # these take seconds: not before the arguments are good
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        parts = []
        for start in range(0, len(rows), at_once):
            body = io.BytesIO()
            chunk = pa.Table.from_pandas(rows.iloc[start : start + at_once], preserve_index=False)
            pq.write_table(chunk, body, compression="zstd")
            reply = self._call(
                "POST",
                "/api/v1/features/historical",
                params={"feature_service": service},
                data=body.getvalue(),
                headers={"Content-Type": PARQUET},
            )
            # Read in this thread alone: Arrow's own may outlive the interpreter, which then aborts at exit.
            table = pq.ParquetFile(pa.BufferReader(reply.content)).read(use_threads=False)
            parts.append(table.to_pandas(use_threads=False))
        found: pd.DataFrame = pd.concat(parts, ignore_index=True)
        return found

    def _call(self, method: str, path: str, **rest: Any) -> requests.Response:
        address = self.url + path
        try:
            reply = requests.request(method, address, auth=self._auth, timeout=TIMEOUT_S, **rest)
        except requests.RequestException as exc:
            raise RankerError(f"{method} {address}: {exc}. Is the server running there?") from exc
        if not reply.ok:
            raise RankerError(f"{method} {address}: {reply.status_code} {reply.text[:500]}")
        return reply


@contextmanager
def opened_store(folder: Path) -> Iterator[Any]:
    """The stock Feast store of a client folder. Its HTTP session, kept open by Feast, ends with the block.

    Raises:
        RankerError: no client folder.
    """
    if not (folder / CONFIGURATION).is_file():
        raise RankerError(f"{folder} holds no {CONFIGURATION}. Unpack client.zip there, or use --fetch.")
    from feast import FeatureStore  # noqa: PLC0415  # as above

    store = FeatureStore(repo_path=str(folder))
    try:
        yield store
    finally:
        asyncio.run(store.close())


def online(store: Any, service: str, entities: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """One row of the feature service for each of `entities`, as served now.

    Raises:
        RankerError: no such service, no right to it, or the server does not answer.
    """
    from feast.errors import FeastError  # noqa: PLC0415  # as above

    found: list[dict[str, Any]] = []
    try:
        held = store.get_feature_service(service)
        for start in range(0, len(entities), ONLINE_ROWS):
            batch = [dict(entity) for entity in entities[start : start + ONLINE_ROWS]]
            columns = store.get_online_features(features=held, entity_rows=batch).to_dict()
            found += [{key: values[i] for key, values in columns.items()} for i in range(len(batch))]
    except (FeastError, requests.RequestException, PermissionError, RuntimeError) as exc:
        raise RankerError(f"Reading {service}: {exc}.") from exc
    return found

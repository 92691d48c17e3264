"""The client folder, and what is read through it by the stock Feast SDK."""

from __future__ import annotations

import asyncio
import io
import logging
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests
from requests.auth import AuthBase

from .errors import SuggesterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger("aftercast.root_cause")
CONFIGURATION = "feature_store.yaml"
ETAG_FILE = ".etag"
TIMEOUT_S = 60.0
ROWS_A_REQUEST = 1000


class Bearer(AuthBase):
    """The token. As an auth object, since requests would let an entry of ~/.netrc replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def fetch(url: str, token: str, folder: Path) -> bool:
    """Bring the client folder up to date; False if it was.

    Raises:
        SuggesterError: the server refuses or stays away, or its zip does not stay inside the folder.
    """
    etag_file = folder / ETAG_FILE
    known = etag_file.is_file() and (folder / CONFIGURATION).is_file()
    headers = {"If-None-Match": etag_file.read_text()} if known else {}
    address = f"{url.rstrip('/')}/api/v1/features/client.zip"
    try:
        reply = requests.get(address, headers=headers, auth=Bearer(token), timeout=TIMEOUT_S)
    except requests.RequestException as exc:
        raise SuggesterError(f"GET {address}: {exc}. Is the server running there?") from exc
    if reply.status_code == requests.codes.not_modified:
        return False
    if not reply.ok:
        raise SuggesterError(f"GET {address}: {reply.status_code}. Does the token have features:read?")
    folder.mkdir(parents=True, exist_ok=True)
    etag_file.unlink(missing_ok=True)  # half a folder must not pass for a whole one
    with zipfile.ZipFile(io.BytesIO(reply.content)) as archive:
        for entry in archive.infolist():
            name = entry.filename.split("/")
            if len(name) != 2 or {"", ".", ".."} & set(name) or "\\" in name[1]:  # noqa: PLR2004
                raise SuggesterError(f"The zip holds {entry.filename!a}, which is no file of the folder.")
            (folder / name[1]).write_bytes(archive.read(entry))
    etag_file.write_text(reply.headers["ETag"])
    return True


@contextmanager
def opened_store(folder: Path) -> Iterator[Any]:
    """The stock Feast store of a client folder. Its HTTP session, kept open by Feast, ends with the block.

    Raises:
        SuggesterError: no client folder.
    """
    if not (folder / CONFIGURATION).is_file():
        raise SuggesterError(f"{folder} holds no {CONFIGURATION}. Unpack client.zip there, or use --fetch.")
    from feast import FeatureStore  # noqa: PLC0415  # takes seconds: not before the arguments are good

    store = FeatureStore(repo_path=str(folder))
    try:
        yield store
    finally:
        asyncio.run(store.close())


def read(store: Any, name: str, entities: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """One row of the feature service `name` for each of `entities`; what is not there is None throughout.

    Raises:
        SuggesterError: no such service, no right to it, or the server does not answer.
    """
    from feast.errors import FeastError  # noqa: PLC0415  # as above

    found: list[dict[str, Any]] = []
    try:
        service = store.get_feature_service(name)
        for start in range(0, len(entities), ROWS_A_REQUEST):
            batch = [dict(entity) for entity in entities[start : start + ROWS_A_REQUEST]]
            columns = store.get_online_features(features=service, entity_rows=batch).to_dict()
            found += [{key: values[i] for key, values in columns.items()} for i in range(len(batch))]
    except (FeastError, requests.RequestException, PermissionError, RuntimeError) as exc:
        raise SuggesterError(f"Reading {name}: {exc}.") from exc
    for row in found:
        if row["version"] is not None:
            keys = " ".join(f"{key}={row[key]}" for key in entities[0])
            log.info("read %s %s version=%s known_at=%s", name, keys, row["version"], row["known_at_iso"])
    return found

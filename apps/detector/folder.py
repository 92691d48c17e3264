"""The client folder: fetched when it has changed, opened by the stock Feast SDK."""

from __future__ import annotations

import asyncio
import io
import logging
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import DetectorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .server import Server

log = logging.getLogger("aftercast.detector")
CONFIGURATION = "feature_store.yaml"
ETAG_FILE = ".etag"
SERIES_A_REQUEST = 1000


@dataclass(frozen=True, slots=True)
class Profile:
    """What was read of one series. `status` is None where the store has nothing of it."""

    series: str
    status: str | None
    release: int | None
    version: int | None
    known_at: str | None
    vector: dict[str, Any]


def fetch(server: Server, folder: Path) -> bool:
    """Bring the client folder up to date; False if it was.

    Raises:
        DetectorError: the server refuses, or sends a zip that does not stay inside the folder.
    """
    etag_file = folder / ETAG_FILE
    known = etag_file.read_text() if etag_file.is_file() and (folder / CONFIGURATION).is_file() else None
    new = server.client_folder(known)
    if new is None:
        return False
    content, etag = new
    folder.mkdir(parents=True, exist_ok=True)
    etag_file.unlink(missing_ok=True)  # half a folder must not pass for a whole one
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for entry in archive.infolist():
            name = entry.filename.split("/")
            if len(name) != 2 or {"", ".", ".."} & set(name) or "\\" in name[1]:  # noqa: PLR2004
                raise DetectorError(
                    f"The client zip holds {entry.filename!a}, which is no file of the folder."
                )
            (folder / name[1]).write_bytes(archive.read(entry))
    etag_file.write_text(etag)
    return True


@contextmanager
def opened_store(folder: Path) -> Iterator[Any]:
    """The stock Feast store of a client folder. Its HTTP session, kept open by Feast, ends with the block.

    Raises:
        DetectorError: no client folder.
    """
    if not (folder / CONFIGURATION).is_file():
        raise DetectorError(
            f"{folder} holds no {CONFIGURATION}. Unpack client.zip there, or run with --fetch."
        )
    from feast import FeatureStore  # noqa: PLC0415  # takes seconds: not before the arguments are known to be good

    store = FeatureStore(repo_path=str(folder))
    try:
        yield store
    finally:
        asyncio.run(store.close())


def read_profiles(store: Any, series: Sequence[str], *, release: int | None = None) -> dict[str, Profile]:
    """The detection profile of each series: of the active release, or of one that is pinned.

    Raises:
        DetectorError: no such feature service, no right to it, or the server does not answer.
    """
    from feast.errors import FeastError  # noqa: PLC0415  # as above
    from requests import RequestException  # noqa: PLC0415

    name = "detection" if release is None else f"detection__r{release}"
    found: dict[str, Profile] = {}
    try:
        service = store.get_feature_service(name)
        for start in range(0, len(series), SERIES_A_REQUEST):
            batch = list(series[start : start + SERIES_A_REQUEST])
            columns = store.get_online_features(
                features=service, entity_rows=[{"series": series_id} for series_id in batch]
            ).to_dict()
            for row, series_id in enumerate(columns["series"]):
                found[series_id] = _profile(series_id, {key: values[row] for key, values in columns.items()})
    except (FeastError, RequestException, PermissionError, RuntimeError) as exc:
        hint = (
            ""
            if release is None
            else f" Is release {release} pinned, and the folder newer than the pin (--fetch)?"
        )
        raise DetectorError(f"Reading {name}: {exc}.{hint}") from exc
    return found


def _profile(series_id: str, row: dict[str, Any]) -> Profile:
    vector = {key: value for key, value in row.items() if key != "series"}
    return Profile(
        series=series_id,
        status=vector.get("status"),
        release=vector.get("release"),
        version=vector.get("version"),
        known_at=vector.get("known_at_iso"),
        vector=vector,
    )

"""The client folder: a zip that makes the stock Feast SDK a client of this installation.

Its registry is built from our own definitions, field by field, not copied: the real one carries SQL and a
connection, and needs a database driver on the client. Identical content gives identical bytes, so that ETags
hold.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from . import pinning
from .models import Release
from .names import ACTIVE_SERVICE

if TYPE_CHECKING:
    from .definitions import Definition

FOLDER = "aftercast_features"
_TEMPLATES = Path(__file__).parent / "client"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)
_cached: dict[tuple[Any, ...], tuple[bytes, str]] = {}


def build() -> tuple[bytes, str]:
    """The zip and its ETag (quoted). They change with the definitions: a pin, an unpin, an upgrade; not a
    release."""
    releases = list(Release.objects.filter(number__in=pinning.standing()).order_by("number"))
    key = (settings.PUBLIC_URL, *((release.number, release.known_at) for release in releases))
    found = _cached.get(key)
    if found is None:
        made = _zip(_files(releases))
        found = (made, f'"{hashlib.sha256(made).hexdigest()[:32]}"')
        _cached.clear()  # one is enough: the newest; another thread may clear it at any time
        _cached[key] = found
    return found


def registry_bytes(definitions: list[Definition]) -> bytes:
    """Feast's registry file with these definitions, their queries replaced by a file that nobody can open."""
    from feast.project import Project
    from feast.protos.feast.core.Registry_pb2 import Registry

    registry = Registry(registry_schema_version="1")
    registry.projects.append(_timeless(Project(name=settings.FEAST_PROJECT).to_proto()))
    for entity in {entity.name: entity for found in definitions for entity in found.entities}.values():
        held = entity.to_proto()
        held.spec.project = settings.FEAST_PROJECT
        registry.entities.append(_timeless(held))
    for definition in definitions:
        source = _neutral(definition)
        view = definition.view.to_proto()
        view.spec.project = settings.FEAST_PROJECT
        view.spec.batch_source.CopyFrom(source)
        service = definition.service.to_proto()
        service.spec.project = settings.FEAST_PROJECT
        for projection in service.spec.features:
            projection.batch_source.CopyFrom(source)
        registry.data_sources.append(source)
        registry.feature_views.append(_timeless(view))
        registry.feature_services.append(_timeless(service))
    return bytes(registry.SerializeToString(deterministic=True))


def _files(pinned: list[Release]) -> dict[str, bytes]:
    from . import definitions

    held = [*definitions.standing(), *(definitions.pinned(release) for release in pinned)]
    services = [definition.service.name for definition in held]
    words = {
        "@PROJECT@": settings.FEAST_PROJECT,
        "@URL@": settings.PUBLIC_URL,
        "@SERVICE@": ACTIVE_SERVICE,
        "@SERVICES@": ", ".join(f"`{name}`" for name in services),
    }
    files = {path.stem: _filled(path.read_text(), words) for path in sorted(_TEMPLATES.glob("*.tmpl"))}
    return {**files, "registry.db": registry_bytes(held)}


def _filled(text: str, words: dict[str, str]) -> bytes:
    for word, meaning in words.items():
        text = text.replace(word, meaning)
    return text.encode()


def _zip(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{FOLDER}/{name}", _FIXED_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _neutral(definition: Definition) -> Any:
    """A data source that any client can load: a plain file type, no query, no address."""
    from feast.protos.feast.core.DataSource_pb2 import DataSource

    source = DataSource(
        name=definition.source.name,
        type=DataSource.BATCH_FILE,
        timestamp_field=definition.source.timestamp_field,
        project=settings.FEAST_PROJECT,
        data_source_class_type="feast.infra.offline_stores.file_source.FileSource",
    )
    source.file_options.uri = "server-side"
    source.file_options.file_format.parquet_format.SetInParent()
    return source


def _timeless(message: Any) -> Any:
    """`message` without the moments at which this process happened to build it."""
    for name in ("created_timestamp", "last_updated_timestamp"):
        message.meta.ClearField(name)
    return message

"""What the features tests share: releases in one line, publication without a worker, readable reads."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from apps.accounts import tokens
from apps.accounts.models import ApiToken, RoleGrant, User
from apps.features import publication
from apps.features.models import Release
from apps.features.names import ACTIVE_SERVICE
from apps.features.releases import ProfileContent, append_release

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apps.features.feast_store import Store

CHECKOUT = "checkout/latency_p99"
LOGIN = "login/errors"


def source(confidence: float = 0.9, **more: Any) -> dict[str, Any]:
    return {"insight": 3, "revision": 1, "confidence": confidence, **more}


def content(values: Mapping[str, Any], confidence: float = 0.9, **more: Any) -> ProfileContent:
    return ProfileContent(dict(values), {column: source(confidence, **more) for column in values})


def make_release(
    changes: Mapping[str, Mapping[str, Any] | ProfileContent | None], *, kind: str = "approve", **more: Any
) -> Release:
    """A release whose plain values get a source of their own."""
    full = {
        series: change if change is None or isinstance(change, ProfileContent) else content(change)
        for series, change in changes.items()
    }
    with transaction.atomic():
        return append_release(
            kind=kind, author="omar", reason="test", manifest=more.pop("manifest", []), changes=full
        )


def serve(
    changes: Mapping[str, Mapping[str, Any] | ProfileContent | None], *, kind: str = "approve", **more: Any
) -> Release:
    """A release, published."""
    release = make_release(changes, kind=kind, **more)
    publication.publish(key=str(release.number), payload={})
    return Release.objects.get(number=release.number)


def online(store: Store, series: str, service: str = ACTIVE_SERVICE) -> dict[str, Any]:
    """One series as Feast reads it in this process."""
    found = store.get_online_features(
        features=store.get_feature_service(service, allow_cache=True), entity_rows=[{"series": series}]
    ).to_dict()
    return {name: values[0] for name, values in found.items()}


def person(name: str, *roles: str, is_service: bool = False) -> User:
    made = User.objects.create(username=name, is_service=is_service)
    RoleGrant.objects.bulk_create(RoleGrant(user=made, role=role) for role in roles)
    return made


def bearer(user: User, *scopes: str, min_confidence: float | None = None) -> dict[str, str]:
    """Headers of a test client that calls with a new token."""
    plain = tokens.issue(
        user=user,
        name=f"test {ApiToken.objects.count()}",
        scopes=scopes or ("api",),
        expires_in=timedelta(hours=1),
        min_confidence=min_confidence,
    )
    return {"Authorization": f"Bearer {plain}"}


def sql(query: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, arguments)
        return cursor.fetchall() if cursor.description else []

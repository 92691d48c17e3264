"""What the tests of release pages share: releases marked as served, and reads, without Feast."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from apps.features.models import ActivePointer, FeatureUse
from tests.features.support import make_release, sql

if TYPE_CHECKING:
    from apps.features.models import Release


def main(answer: Any) -> str:
    body: str = answer.content.decode()
    return body.partition("<main")[2].partition("</main>")[0]


def served(changes_of: dict[str, Any], **more: Any) -> Release:
    """A release marked as served, without Feast."""
    release = make_release(changes_of, **more)
    sql(
        "UPDATE features_release SET served_at = known_at + interval '3 seconds' WHERE number = %s",
        release.number,
    )
    pointer, made = ActivePointer.objects.get_or_create(
        pk=1, defaults={"release": release, "changes": release.number}
    )
    if not made:
        ActivePointer.objects.filter(pk=pointer.pk).update(release=release, changes=pointer.changes + 1)
    release.refresh_from_db()
    return release


def use(consumer: str, service: str, release: int, reads: int = 3, minutes_ago: int = 0) -> None:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    FeatureUse.objects.create(
        consumer=consumer, feature_service=service, release=release, reads=reads, first_at=at, last_at=at
    )

"""Take insights out of what is served: used when people withdraw one, and by the clock when one expires.

Whoever changes what is served takes the release lock before any insight's row, so no two of them wait for
each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, transaction
from django.utils import timezone

from apps.audit import ledger
from apps.common.errors import DomainError, require
from apps.features import releases

from . import access, composition, telling
from .models import Insight, Revision

if TYPE_CHECKING:
    from apps.features.models import Release

log = structlog.get_logger(__name__)

CLOCK = "clock"  # the actor of what happens by itself
PROSPECTIVE_TEST = "prospective test"  # the actor that withdraws what does harm


def stop(insight: Insight, state: Insight.State, kind: str, author: str, reason: str) -> Release:
    """Take an insight out of what is served and append the release that says so (caller's transaction)."""
    affected = composition.covered(insight)
    insight.state = state
    insight.active_revision = None
    insight.save(update_fields=["state", "active_revision"])
    return releases.append_release(
        kind=kind,
        author=author,
        reason=reason,
        manifest=composition.manifest(),
        changes=composition.compose(affected),
    )


@transaction.atomic
def expire_insight(*, insight_id: int) -> bool:
    """Stop serving one insight whose expiry has passed. False when it needs nothing (safe to run twice)."""
    releases.lock()
    insight = Insight.objects.select_for_update(of=("self",)).filter(pk=insight_id).first()
    if insight is None or insight.state != Insight.State.APPROVED:
        return False
    revision = Revision.objects.get(
        insight=insight, number=require(insight.active_revision, "the active revision of an approved insight")
    )
    if revision.expires_at is None or revision.expires_at > timezone.now():
        return False
    # A newer revision that waits for its approvals keeps waiting: only what was served has expired.
    waiting = insight.revision != insight.active_revision
    newest = access.newest_revision(insight)
    state = Insight.State(access.state_while_not_served(newest)) if waiting else Insight.State.EXPIRED
    release = stop(insight, state, "expire", CLOCK, f"Insight {insight.pk} expired.")
    telling.ended(
        insight,
        revision,
        None,
        title="Expired",
        text=f"Release {release.number} serves it no more.",
        release=release.number,
    )
    ledger.record(
        actor=CLOCK,
        action="insight_expired",
        object_type="insight",
        object_id=insight.pk,
        data={"release": release.number},
    )
    return True


def withdraw_tested(*, insight_id: int, revision: int, reason: str) -> Release | None:
    """Withdraw what the prospective test found to be worse than nothing (caller's transaction).

    The caller holds the release lock. None if `revision` is not what is served any more: somebody was faster.
    A newer revision that waits for its approvals keeps waiting.
    """
    insight = Insight.objects.select_for_update(of=("self",)).filter(pk=insight_id).first()
    if insight is None or insight.active_revision != revision:
        return None
    served = Revision.objects.get(insight=insight, number=revision)
    waiting = insight.revision != revision
    newest = access.newest_revision(insight)
    state = Insight.State(access.state_while_not_served(newest)) if waiting else Insight.State.WITHDRAWN
    release = stop(insight, state, "withdraw", PROSPECTIVE_TEST, reason)
    telling.ended(
        insight,
        served,
        None,
        title="Withdrawn by the prospective test",
        text=reason,
        release=release.number,
        judges=True,
    )
    ledger.record(
        actor=PROSPECTIVE_TEST,
        action="insight_withdrawn",
        object_type="insight",
        object_id=insight.pk,
        data={"reason": reason, "release": release.number, "revision": revision},
    )
    return release


def expire_insights() -> int:
    """Expire everything whose time has come, each in its own transaction; how many there were.

    One that fails is logged and tried again at the next look; it keeps no other from expiring.
    """
    expired = 0
    for insight_id in (
        Insight.objects.due_to_expire(timezone.now()).order_by("pk").values_list("pk", flat=True)
    ):
        try:
            expired += expire_insight(insight_id=insight_id)
        except (DatabaseError, DomainError):
            log.exception("insight_expiry_failed", insight_id=insight_id)
    return expired

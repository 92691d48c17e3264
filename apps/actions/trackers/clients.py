"""The client of a tracker, with its secret opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps.actions.models import Tracker
from apps.common.sealing import UnsealingError, unseal

from .github import GitHub
from .issues import TrackerError
from .jira import Jira

if TYPE_CHECKING:
    from .issues import Client


def client_of(tracker: Tracker) -> Client:
    """Ready to be asked.

    Raises:
        TrackerError: the secret was sealed by another key than the installation has now.
    """
    try:
        token = unseal(tracker.token)
    except UnsealingError as exc:
        raise TrackerError(
            "Its token cannot be read: the installation's key was changed.", remedy="Add the tracker anew."
        ) from exc
    if tracker.kind == Tracker.Kind.GITHUB:
        return GitHub(base_url=tracker.base_url, project=tracker.project, token=token)
    return Jira(
        base_url=tracker.base_url,
        project=tracker.project,
        account=tracker.account,
        token=token,
        issue_type=tracker.issue_type,
    )

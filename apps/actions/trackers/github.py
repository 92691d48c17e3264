"""GitHub's issues, by its REST API (version 2022-11-28) and its `issues` webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .guarded import Door
from .issues import COMPLETED, Issue, Told, TrackerError, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGES = 5
PER_PAGE = 100
HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


class GitHub:
    """One repository. GitHub has no due dates: they stay with us."""

    def __init__(self, *, base_url: str, project: str, token: str) -> None:
        self._door = Door(base_url, {**HEADERS, "Authorization": f"Bearer {token}"})
        self._issues = f"/repos/{project}/issues"
        self._repository = f"/repos/{project}"

    def check(self) -> str:
        """The repository's name, as it calls itself."""
        found = self._door.ask("GET", self._repository)
        if not found.get("has_issues", True):
            raise TrackerError("The repository has its issues switched off.")
        return str(found.get("full_name", ""))

    def read(self, key: str) -> Issue:
        return issue_of(self._door.ask("GET", f"{self._issues}/{key}"))

    def find(self, marker: str, since: str) -> Issue | None:
        """The issue whose text has the marker, among those made since a moment; the list is never stale."""
        for page in range(1, PAGES + 1):
            asked = {"state": "all", "sort": "created", "direction": "desc"}
            asked |= {"per_page": str(PER_PAGE), "page": str(page)}
            found = self._door.ask("GET", self._issues, params=asked)
            for one in found:
                if marker in (one.get("body") or "") and "pull_request" not in one:
                    return issue_of(one)
            if len(found) < PER_PAGE or str(found[-1]["created_at"]) < since:
                return None
        raise TrackerError("Too many issues were made meanwhile to look for ours. It is tried again.")

    def create(self, wanted: Wanted, marker: str) -> Issue:
        body = {
            "title": wanted.title,
            "body": f"{wanted.text}\n\n<!-- {marker} -->",
            "assignees": [wanted.owner] if wanted.owner else [],
        }
        return issue_of(self._door.ask("POST", self._issues, json=body))

    def change(self, issue: Issue, wanted: Wanted) -> Issue:
        """One call with what differs; none where nothing does."""
        body: dict[str, Any] = {}
        if wanted.title is not None and wanted.title != issue.title:
            body["title"] = wanted.title
        if wanted.state is not None and _closed(wanted.state) != _closed(issue.state):
            body["state"] = "closed" if _closed(wanted.state) else "open"
            body["state_reason"] = wanted.why if _closed(wanted.state) else "reopened"
        if wanted.owner and wanted.owner != issue.owner:
            body["assignees"] = [wanted.owner]
        return issue_of(self._door.ask("PATCH", f"{self._issues}/{issue.key}", json=body)) if body else issue

    def comment_once(self, key: str, text: str, marker: str) -> None:
        path = f"{self._issues}/{key}/comments"
        for page in range(1, PAGES + 1):
            found = self._door.ask("GET", path, params={"per_page": str(PER_PAGE), "page": str(page)})
            if any(marker in (one.get("body") or "") for one in found):
                return
            if len(found) < PER_PAGE:
                break
        self._door.ask("POST", path, json={"body": f"{text}\n\n<!-- {marker} -->"})


def _closed(state: str) -> bool:
    return state == "closed"


def issue_of(found: Mapping[str, Any]) -> Issue:
    """An issue of the API or of a webhook. What was closed before reasons existed counts as completed."""
    people = found.get("assignees") or []
    closed = found["state"] == "closed"
    return Issue(
        key=str(found["number"]),
        title=str(found["title"]),
        state="closed" if closed else "open",
        why=str(found.get("state_reason") or COMPLETED) if closed else "",
        owner=str(people[0]["login"]) if people else "",
        url=str(found.get("html_url") or ""),
    )


def told(event: str, body: Mapping[str, Any]) -> Told:
    """What a delivery of `X-GitHub-Event: issues` says; other events say nothing of issues.

    Raises:
        KeyError, TypeError, ValueError: it does not have the documented form.
    """
    action = str(body.get("action") or "")
    if event != "issues":
        return Told(event=event, issue=None)
    issue = issue_of(body["issue"])
    fields: dict[str, str] = {}
    if action == "edited" and "title" in (body.get("changes") or {}):
        fields["title"] = issue.title
    if action in {"closed", "reopened"}:
        fields["state"] = issue.state
    if action == "assigned":
        fields["owner"] = str(body["assignee"]["login"])
    return Told(
        event=f"issues.{action}",
        issue=issue,
        at=str(body["issue"]["updated_at"]),
        by=str((body.get("sender") or {}).get("login") or ""),
        fields=fields,
        text=str(body["issue"].get("body") or "") if action == "opened" else "",
        gone=action in {"deleted", "transferred"},
    )

"""Jira's issues, by its REST API version 2 (Cloud and Data Center) and its `jira:issue_…` webhooks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from .guarded import Door
from .issues import COMPLETED, NOT_PLANNED, Issue, NoSuchIssueError, Told, TrackerError, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

API = "/rest/api/2"
FIELDS = "summary,status,resolution,assignee,duedate"
NOT_DONE = (
    "won't",
    "wont",
    "cancel",
    "declin",
    "reject",
    "duplicate",
    "cannot reproduce",
    "invalid",
    "not planned",
)
STATES = {"new": "open", "undefined": "open", "indeterminate": "in_progress", "done": "closed"}
NAMES = {
    "summary": "title",
    "status": "state",
    "resolution": "state",
    "assignee": "owner",
    "duedate": "due_on",
}


class Jira:
    """One project. `account` is the mail address of a Cloud token; a Data Center token stands alone."""

    def __init__(self, *, base_url: str, project: str, account: str, token: str, issue_type: str) -> None:
        headers = {"Accept": "application/json"} | ({} if account else {"Authorization": f"Bearer {token}"})
        self._door = Door(base_url, headers, auth=(account, token) if account else None)
        self._base_url, self._project, self._type = base_url.rstrip("/"), project, issue_type

    def check(self) -> str:
        """The project's name."""
        return str(self._door.ask("GET", f"{API}/project/{self._project}").get("name", ""))

    def read(self, key: str) -> Issue:
        found = self._door.ask("GET", f"{API}/issue/{key}", params={"fields": FIELDS})
        return issue_of(found, self._base_url)

    def find(self, marker: str, since: str) -> Issue | None:
        """The issue that has the marker as its label. Data Center lacks `/search/jql`, Cloud `/search`."""
        del since  # a label is found whenever it was set
        asked = {"jql": f'project = "{self._project}" AND labels = "{marker}"', "fields": FIELDS}
        try:
            found = self._door.ask("GET", f"{API}/search/jql", params=asked)
        except NoSuchIssueError:
            found = self._door.ask("GET", f"{API}/search", params=asked)
        issues = found.get("issues") or []
        return issue_of(issues[0], self._base_url) if issues else None

    def create(self, wanted: Wanted, marker: str) -> Issue:
        fields: dict[str, Any] = {
            "project": {"key": self._project},
            "issuetype": {"name": self._type},
            "summary": wanted.title,
            "description": wanted.text,
            "labels": [marker],
        }
        if wanted.due_on is not None:
            fields["duedate"] = wanted.due_on.isoformat()
        if wanted.owner:
            fields["assignee"] = self._person(wanted.owner)
        made = self._door.ask("POST", f"{API}/issue", json={"fields": fields})
        return self.read(str(made["key"]))

    def change(self, issue: Issue, wanted: Wanted) -> Issue:
        """The fields that differ in one call, the state by a transition."""
        fields: dict[str, Any] = {}
        if wanted.title is not None and wanted.title != issue.title:
            fields["summary"] = wanted.title
        if wanted.due_on is not None and wanted.due_on != issue.due_on:
            fields["duedate"] = wanted.due_on.isoformat()
        if wanted.owner and wanted.owner != issue.owner:
            fields["assignee"] = self._person(wanted.owner)
        if fields:
            self._door.ask("PUT", f"{API}/issue/{issue.key}", json={"fields": fields})
        moves = wanted.state is not None and (wanted.state == "closed") != (issue.state == "closed")
        if moves:
            self._move(issue.key, wanted)
        return self.read(issue.key) if fields or moves else issue

    def comment_once(self, key: str, text: str, marker: str) -> None:
        path = f"{API}/issue/{key}/comment"
        found = self._door.ask("GET", path, params={"orderBy": "-created", "maxResults": "100"})
        if not any(marker in str(one.get("body") or "") for one in found.get("comments") or []):
            self._door.ask("POST", path, json={"body": f"{text}\n\n({marker})"})

    def _person(self, login: str) -> dict[str, str]:
        """Cloud knows people by account id, Data Center by user name."""
        return {"accountId": login} if ".atlassian.net" in self._base_url or ":" in login else {"name": login}

    def _move(self, key: str, wanted: Wanted) -> None:
        path = f"{API}/issue/{key}/transitions"
        offered = self._door.ask("GET", path).get("transitions") or []
        chosen = _transition(offered, wanted)
        if chosen is None:
            where = "a done status" if wanted.state == "closed" else "an open status"
            raise TrackerError(
                f"The workflow offers no transition of {key} to {where}.", remedy="Move it there."
            )
        self._door.ask("POST", path, json={"transition": {"id": str(chosen["id"])}})


def _transition(offered: list[Mapping[str, Any]], wanted: Wanted) -> Mapping[str, Any] | None:
    """The transition that fits best: of several to a done status, the one whose name says why."""

    def target(one: Mapping[str, Any]) -> str:
        return STATES.get(one["to"]["statusCategory"]["key"], "open")

    closing = wanted.state == "closed"
    fitting = [one for one in offered if (target(one) == "closed") == closing]
    gives_up = closing and wanted.why == NOT_PLANNED
    named = [one for one in fitting if _gives_up(f"{one.get('name')} {one['to'].get('name')}") == gives_up]
    return next(iter(named or fitting), None)


def _gives_up(words: str) -> bool:
    text = words.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return any(word in text for word in NOT_DONE)


def issue_of(found: Mapping[str, Any], base_url: str) -> Issue:
    """An issue of the API or of a webhook."""
    fields = found["fields"]
    status = fields["status"]
    state = STATES.get(status["statusCategory"]["key"], "open")
    resolution = str((fields.get("resolution") or {}).get("name") or "")
    person = fields.get("assignee") or {}
    due = str(fields.get("duedate") or "")
    return Issue(
        key=str(found["key"]),
        title=str(fields["summary"]),
        state=state,
        why=_why(state, resolution, str(status.get("name") or "")),
        owner=str(person.get("accountId") or person.get("name") or ""),
        due_on=date.fromisoformat(due) if due else None,
        url=f"{base_url}/browse/{found['key']}",
    )


def _why(state: str, resolution: str, status: str) -> str:
    if state != "closed":
        return ""
    return NOT_PLANNED if _gives_up(resolution) or _gives_up(status) else COMPLETED


def told(body: Mapping[str, Any], base_url: str) -> Told:
    """What a delivery says: the items of its change log, at its `timestamp` (milliseconds).

    Raises:
        KeyError, TypeError, ValueError, OverflowError: it does not have the documented form.
    """
    event = str(body.get("webhookEvent") or "")
    if not event.startswith("jira:issue_"):
        return Told(event=event, issue=None)
    issue = issue_of(body["issue"], base_url)
    person = body.get("user") or {}
    items = (body.get("changelog") or {}).get("items") or []
    named = {NAMES[str(item["field"])] for item in items if str(item["field"]) in NAMES}
    values = {
        "title": issue.title,
        "state": issue.state,
        "owner": issue.owner,
        "due_on": issue.due_on.isoformat() if issue.due_on else "",
    }
    labels = " ".join(str(label) for label in body["issue"]["fields"].get("labels") or [])
    return Told(
        event=event,
        issue=issue,
        at=datetime.fromtimestamp(int(body["timestamp"]) / 1000, UTC).isoformat(),
        by=str(person.get("accountId") or person.get("name") or ""),
        fields={name: values[name] for name in sorted(named)} if event == "jira:issue_updated" else {},
        text=labels if event == "jira:issue_created" else "",
        gone=event == "jira:issue_deleted",
    )

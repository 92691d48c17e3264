"""Everything that the card of an insight shows, and what its reader may do with it. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import F

from apps.accounts.models import AUTHORS
from apps.common.errors import DomainError, NotFoundError
from apps.telemetry import reading

from . import access, composition, gate_figures, influence, missteps, provenance, rubric, waiting, wording
from .drafts import Source
from .models import GateResult, Insight, Objective, Revision
from .services.approving import refuse_approval
from .services.deciding import refuse_decision
from .services.ending import may_withdraw
from .services.lifting import refuse_lift

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from apps.accounts.models import User
    from apps.analysis.findings import Standing

    from .gate_figures import SeriesFigures
    from .influence import Weighed
    from .models import Finding, Misstep

SHOWN_SERIES = 12  # links on the card; the evidence names them all


@dataclass(frozen=True)
class Rights:
    """What one reader may do now. Where they may not approve or decide, the reason is in words."""

    approve: bool
    decide: bool
    why_not: str
    reopen: bool
    withdraw: bool
    rerun: bool
    revise: bool
    lift: bool
    needs_override: bool


@dataclass(frozen=True)
class Happening:
    """One line of the history: when, who, what, and in which words."""

    at: datetime
    who: str
    what: str
    text: str
    tone: str


@dataclass(frozen=True)
class Change:
    """One field of a revision beside the one before it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Card:
    """An insight as its page shows it."""

    insight: Insight
    newest: Revision
    active: Revision | None
    active_release: int | None
    gate: GateResult | None
    standing: Any
    waits_for: list[str]
    signals: list[tuple[str, str]]
    scope: str
    series: list[str]
    more_series: int
    intact: bool | None
    confidence: float
    standing_confidence: Standing
    findings: list[Finding]
    overrides: list[Any]
    marks: rubric.Marks
    history: list[Happening]
    revisions: list[tuple[Revision, list[Change]]]
    missteps: list[Misstep]
    weighed: Weighed | None
    objectives: list[str]

    @property
    def kicker(self) -> str:
        """The line above the title."""
        return f"Insight {self.insight.pk}, revision {self.newest.number}"

    @property
    def effective_confidence(self) -> float:
        """What consumers see, were the newest revision served now."""
        return self.standing_confidence.served

    @property
    def gate_series(self) -> list[SeriesFigures]:
        """The gate's figures by series, at most `SHOWN_SERIES`: those that move most come first."""
        return gate_figures.by_series(self.gate)[:SHOWN_SERIES] if self.gate else []

    @property
    def more_gate_series(self) -> int:
        """How many more series the gate replayed."""
        return max(0, len(self.gate.report.get("series", {})) - SHOWN_SERIES) if self.gate else 0

    @property
    def pending(self) -> bool:
        """Is a revision served while a newer one waits?"""
        return self.active is not None and self.active != self.newest


def find(insight_id: int, *, reader: User) -> Insight:
    """The insight with its story, for reading.

    Raises:
        NotFoundError: no such insight, or not for this reader.
    """
    stories = Insight.objects.visible_to(reader).with_story()
    insight = (
        stories.prefetch_related("revisions__source_postmortem", "revisions__source_recommendation")
        .filter(pk=insight_id)
        .first()
    )
    if insight is None:
        raise NotFoundError(f"There is no insight {insight_id}.", field="id")
    return insight


def card(insight: Insight) -> Card:
    """The card of an insight that `find` gave."""
    revisions = sorted(insight.revisions.all(), key=lambda revision: revision.number)
    by_number = {revision.number: revision for revision in revisions}
    newest = by_number[insight.revision]
    active = by_number.get(insight.active_revision or 0)
    series = scope_series(newest)
    return Card(
        insight=insight,
        newest=newest,
        active=active,
        active_release=active.activation.release if active else None,
        gate=composition.deciding_result(newest),
        standing=access.standing_no(newest),
        waits_for=_waits_for(insight, newest),
        signals=[
            (row.get_kind_display(), wording.signal(row.kind, row.value)) for row in newest.signals.all()
        ],
        scope=wording.scope(newest.scope),
        series=series[:SHOWN_SERIES],
        more_series=max(0, len(series) - SHOWN_SERIES),
        intact=provenance.intact(_source(newest)),
        confidence=newest.confidence,
        standing_confidence=composition.standing_of(newest),
        findings=sorted(insight.findings.all(), key=lambda found: -found.pk),
        overrides=[row for revision in reversed(revisions) for row in revision.overrides.all()],
        marks=rubric.marks(newest),
        history=_history(insight, revisions),
        revisions=[
            (revision, changes(by_number.get(revision.number - 1), revision))
            for revision in reversed(revisions)
        ],
        missteps=missteps.near_revision(newest),
        weighed=_weighed(insight, newest),
        objectives=[str(Objective(code).label) for code in newest.objectives],
    )


def rights(found: Card, reader: User) -> Rights:
    """What the reader may do: asked of the very checks that the services make."""
    insight, newest = found.insight, found.newest
    no_approval = _refusal(refuse_approval, insight, newest, reader)
    no_decision = _refusal(refuse_decision, insight, newest, reader)
    ended = insight.state in (Insight.State.WITHDRAWN, Insight.State.EXPIRED)
    author = reader.has_role(*AUTHORS)
    passed = found.gate is not None and found.gate.verdict == GateResult.Verdict.PASSED
    return Rights(
        approve=not no_approval,
        decide=not no_decision and (found.standing is None or found.standing.kind != Insight.State.REJECTED),
        why_not=no_approval,
        reopen=not no_decision and found.standing is not None,
        withdraw=insight.state != Insight.State.WITHDRAWN and may_withdraw(insight, reader),
        rerun=author and not ended,
        revise=author,
        lift=found.weighed is not None and found.weighed.stopped and may_lift(found, reader),
        needs_override=not passed and not newest.overrides.all(),
    )


def scope_series(revision: Revision) -> list[str]:
    """The series that a revision is about: those it names, or those known of its service or fleet."""
    return reading.resolve(revision.scope)


def changes(before: Revision | None, after: Revision) -> list[Change]:
    """What differs between two revisions, field by field, in words; nothing for the first one."""
    if before is None:
        return []
    old, new = _fields(before), _fields(after)
    return [Change(label, old[label], new[label]) for label in new if old[label] != new[label]]


def citing(postmortem_id: int, *, reader: User) -> list[Revision]:
    """Newest revisions of the insights that cite a postmortem, newest insight first."""
    return list(
        Revision.objects.filter(
            insight__in=Insight.objects.visible_to(reader),
            number=F("insight__revision"),
            source_postmortem=postmortem_id,
        )
        .select_related("insight", "author")
        .order_by("-insight_id")
    )


def _refusal(check: Any, insight: Insight, revision: Revision, reader: User) -> str:
    try:
        check(insight, revision, reader)
    except DomainError as error:
        return f"{error.detail} {error.remedy or ''}".strip()
    return ""


def may_lift(found: Card, reader: User) -> bool:
    """May the reader let it go beyond the caps on its authors?"""
    return not _refusal(refuse_lift, found.insight, found.newest, reader)


def _weighed(insight: Insight, newest: Revision) -> Weighed | None:
    """What serving it would move; None where it was served, has ended, or is prose."""
    over = insight.state not in waiting.OPEN or getattr(newest, "activation", None) is not None
    return None if over or not newest.signals.all() else influence.weigh(insight, newest)


def _waits_for(insight: Insight, newest: Revision) -> list[str]:
    over = insight.state not in waiting.OPEN or getattr(newest, "activation", None) is not None
    prose = not newest.signals.all()
    return [] if over or prose or access.standing_no(newest) else waiting.missing(newest)


def _source(revision: Revision) -> Source:
    return Source(
        revision.document, revision.sha256, revision.first_line, revision.last_line, revision.excerpt
    )


def _fields(revision: Revision) -> dict[str, str]:
    signals = (wording.signal(row.kind, row.value) for row in revision.signals.all())
    return {
        "Title": revision.title,
        "Recommendation": revision.recommendation,
        "Scope": ", ".join(revision.scope.get("series", [])) or wording.scope(revision.scope),
        "Signals": "; ".join(sorted(signals)) or "none",
        "Why it is prose": revision.prose_reason,
        "Objectives": ", ".join(str(Objective(code).label) for code in revision.objectives),
        "Confidence": f"{revision.confidence:.0%}",
        "Expires": f"{revision.expires_at:%Y-%m-%d %H:%M} UTC" if revision.expires_at else "never",
        "Source": f"{revision.document}, lines {revision.first_line} to {revision.last_line}",
    }


def _history(insight: Insight, revisions: Sequence[Revision]) -> list[Happening]:
    lines = [line for revision in revisions for line in _happenings(revision)]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _happenings(revision: Revision) -> list[Happening]:
    number = revision.number
    lines = [
        Happening(
            revision.created_at,
            revision.author.name,
            "Proposed" if number == 1 else f"Filed revision {number}",
            revision.title,
            "info",
        )
    ]
    lines += [
        Happening(row.evaluated_at, "", f"Gate: {row.get_verdict_display().lower()}", row.reason, row.verdict)
        for row in revision.gate_results.all()
    ]
    lines += [
        Happening(row.created_at, row.author.name, "Override of the gate", row.reason, "warn")
        for row in revision.overrides.all()
    ]
    lines += [
        Happening(
            row.approved_at,
            row.approver.name,
            f"Approved revision {number} as {'operator' if row.as_operator else 'reviewer'}",
            row.comment,
            "good",
        )
        for row in revision.approvals.all()
    ]
    lines += [
        Happening(row.at, row.person.name, row.get_kind_display(), row.reason, row.kind)
        for row in revision.decisions.all()
    ]
    activation = getattr(revision, "activation", None)
    if activation is not None:
        served = f"Revision {number} served by release {activation.release}"
        lines.append(Happening(activation.activated_at, "", served, "", "good"))
    return lines

"""The form of the editor: words, scope and provenance beside the typed controls of each kind of signal."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from apps.common.errors import DomainError
from apps.insights import provenance
from apps.insights.drafts import Draft, clean_scope
from apps.insights.models import Objective
from apps.telemetry.models import Series
from apps.ui.forms import add_domain_error

from .editor_signals import KIND_FIELDS, SignalsForm

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.insights.drafts import Source

MAX_CHOICES = 2000  # series offered for ticking; a wider scope is chosen by service
MAX_WORDS = 5000
CONFIDENCES = (
    (0.3, "a hunch from one event"),
    (0.5, "likely, seen once or twice"),
    (0.8, "well supported by the evidence"),
    (0.95, "certain, the cause is known"),
)
SCOPES = (
    ("series", "Series that I name"),
    ("service", "All series of a service"),
    ("metric_family", "One metric family of a service"),
    ("fleet", "Every series of the fleet"),
)
WINDOWS = (("28", "The last 28 days"), ("all", "All of it"))
OUTSIDE, REVIEW = "outside", "postmortem"


class EditorForm(SignalsForm):
    """One revision of an insight as a person writes it. `seen` is the revision that a reviser read."""

    title = forms.CharField(max_length=200)
    recommendation = forms.CharField(
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What should change, in words that a colleague understands in a year.",
    )
    scope_kind = forms.ChoiceField(label="It speaks for", choices=SCOPES, widget=forms.RadioSelect)
    scope_series = forms.MultipleChoiceField(
        label="Series", required=False, widget=forms.SelectMultiple(attrs={"size": 8})
    )
    scope_service = forms.ChoiceField(label="Service", required=False)
    scope_family = forms.ChoiceField(label="Metric family", required=False)
    confidence = forms.ChoiceField(
        label="Confidence", help_text="Consumers may ask for insights above a confidence of their choice."
    )
    expires_on = forms.DateField(
        label="Expires on",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="From this day (UTC) on it is no longer served.",
    )
    objectives = forms.MultipleChoiceField(
        label="What it is for",
        choices=Objective.choices,
        initial=[Objective.RELIABILITY],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text="Reliability, where nothing is ticked.",
    )
    prose_reason = forms.CharField(
        label="Why there is no signal",
        required=False,
        max_length=MAX_WORDS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Only for a lesson in words alone: what keeps it from being a number.",
    )
    source_kind = forms.ChoiceField(choices=[(REVIEW, REVIEW), (OUTSIDE, OUTSIDE)], widget=forms.HiddenInput)
    postmortem = forms.IntegerField(
        required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput
    )
    document = forms.CharField(
        required=False,
        max_length=provenance.MAX_DOCUMENT,
        help_text="Its address or name: a runbook, a chat, a report.",
    )
    excerpt = forms.CharField(
        required=False, max_length=provenance.MAX_EXCERPT, widget=forms.Textarea(attrs={"rows": 3})
    )
    sha256 = forms.CharField(
        label="SHA-256 of the document",
        required=False,
        max_length=64,
        help_text="64 hex digits. Empty: the hash of the excerpt is kept instead.",
    )
    first_line = forms.IntegerField(label="First line", min_value=1, max_value=2**31 - 1)
    last_line = forms.IntegerField(label="Last line", min_value=1, max_value=2**31 - 1)
    window = forms.ChoiceField(label="Show", required=False, choices=WINDOWS)
    seen = forms.IntegerField(required=False, min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, reader: User, service: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        self.source: Source | None = None
        self.scope: dict[str, Any] | None = None
        self._offer(service)

    def _offer(self, service: str) -> None:
        """Series, services and families to choose from; those of `service` come first."""
        rows = Series.objects.visible_to(self.reader).order_by("pk")
        known = list(rows.values_list("pk", "service__slug", "metric_family")[:MAX_CHOICES])
        groups: dict[str, list[tuple[str, str]]] = {}
        for series_id, slug, _ in sorted(known, key=lambda row: (row[1] != service, row[1], row[0])):
            groups.setdefault(slug, []).append((series_id, series_id))
        families = sorted({family for _, _, family in known})
        self._choose("scope_series", list(groups.items()))
        self._choose("scope_service", [("", "Choose"), *((slug, slug) for slug in groups)])
        self._choose("scope_family", [("", "Choose"), *((family, family) for family in families)])
        given = str(self.data.get("confidence") or self.initial.get("confidence") or "")
        words = [(f"{share:g}", f"{share:.2f} · {text}") for share, text in CONFIDENCES]
        before = self.initial.get("confidence")
        if before and str(before) not in dict(words) and given:
            words.append((str(before), f"{float(before):.2f} · as in the revision before"))
        self._choose("confidence", [("", "Choose"), *words])

    def _choose(self, name: str, choices: list[Any]) -> None:
        found = self.fields[name]
        if isinstance(found, forms.ChoiceField):
            found.choices = choices

    def clean_expires_on(self) -> Any:
        day = self.cleaned_data["expires_on"]
        if day is not None and day <= timezone.now().date():
            raise forms.ValidationError("The expiry has passed already. Give a later day.")
        return day

    def clean(self) -> dict[str, Any]:
        super().clean()
        self.scope = self._scope()
        self.source = self._source()
        if not self.has_signals and not self.cleaned_data.get("prose_reason", "").strip():
            self.add_error("prose_reason", "Add a signal below, or say why this lesson stays in words.")
        return self.cleaned_data

    def _scope(self) -> dict[str, Any] | None:
        data = self.cleaned_data
        wanted: dict[str, dict[str, Any]] = {
            "series": {"series": data.get("scope_series")},
            "service": {"service": data.get("scope_service")},
            "metric_family": {
                "service": data.get("scope_service"),
                "metric_family": data.get("scope_family"),
            },
            "fleet": {"fleet": True},
        }
        given = wanted.get(data.get("scope_kind", ""), {})
        fields = {"series": "scope_series", "service": "scope_service", "metric_family": "scope_family"}
        missing = [fields[key] for key, value in given.items() if not value]
        for name in missing:
            if name not in self.errors:
                self.add_error(name, "Choose at least one." if name == "scope_series" else "Choose one.")
        if missing or not given:
            return None
        try:
            return clean_scope(given)
        except DomainError as error:
            error.field = "scope_series" if data["scope_kind"] == "series" else "scope_service"
            add_domain_error(self, error)
        return None

    def _source(self) -> Source | None:
        data = self.cleaned_data
        lines = [data.get("first_line"), data.get("last_line")]
        if None in lines:
            return None
        given: dict[str, Any] = {"postmortem": data.get("postmortem"), "lines": lines}
        if data.get("source_kind") == OUTSIDE:
            excerpt = data.get("excerpt", "")
            sha256 = data.get("sha256", "").lower()
            if not sha256 and excerpt:
                sha256 = hashlib.sha256(excerpt.encode()).hexdigest()
            given = {
                "document": data.get("document"), "sha256": sha256, "lines": lines, "excerpt": excerpt
            }  # fmt: skip
        try:
            return provenance.clean_source(given, reader=self.reader)
        except DomainError as error:
            where = str(error.field or "").removeprefix("provenance.")
            # The fields of a document kept elsewhere are not drawn where a postmortem is the source.
            error.field = "last_line" if where == "lines" else None if "postmortem" in given else where
            add_domain_error(self, error)
        return None

    def draft(self) -> Draft:
        """The revision, once the form is valid.

        Raises:
            ValueError: it is not.
        """
        if self.scope is None or self.source is None:
            raise ValueError("the form is not valid")
        data = self.cleaned_data
        day = data["expires_on"]
        return Draft(
            title=data["title"],
            recommendation=data["recommendation"],
            scope=self.scope,
            confidence=float(data["confidence"]),
            source=self.source,
            signals=self.signals,
            prose_reason="" if self.signals else data["prose_reason"],
            objectives=tuple(data["objectives"]) or (Objective.RELIABILITY,),
            expires_at=datetime.combine(day, time(), UTC) if day else None,
        )

    def only_about_signals(self) -> None:
        """Forget what is wrong elsewhere: a preview needs a scope and signals, not yet a title."""
        about = {"scope_kind", "scope_series", "scope_service", "scope_family"}
        for name in list(self.errors):
            if name not in about and not any(name in names for names in KIND_FIELDS.values()):
                del self.errors[name]

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The controls of each kind, as the page draws them."""
        return [
            {
                "kind": kind,
                "use": self[f"use_{kind}"],
                "fields": [self[name] for name in names],
                "open": bool(self[f"use_{kind}"].value()) or any(name in self.errors for name in names),
            }
            for kind, names in KIND_FIELDS.items()
        ]


def in_days(days: int) -> str:
    """A day from today, as a date control writes it."""
    return (timezone.now() + timedelta(days=days)).date().isoformat()

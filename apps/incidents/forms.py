"""The forms of this room: they shape what was typed; what is allowed is decided by the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.urls import reverse_lazy
from django.utils.html import format_html

from apps.catalog.models import MAX_SLUG, Service, Term
from apps.telemetry.models import Series
from apps.ui.forms import MomentField, add_domain_error

from .codes import Kind, Precision, State, TimeKind, TimeStatus
from .metrics import TimeValue
from .models import MAX_NOTE, MAX_SOURCE, MAX_SUMMARY, MAX_TITLE, Incident

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.forms import BoundField
    from django.http import QueryDict

    from apps.common.errors import DomainError

MAX_CHOICES = 200
TIME_HINTS = {
    TimeKind.IMPACT_START: "When customers, or whoever depends on it, began to be hurt.",
    TimeKind.DETECTED: "When an alarm fired or a person noticed. It may come before the impact.",
    TimeKind.ACKNOWLEDGED: "When somebody took it up.",
    TimeKind.ESCALATED: "When more people were called.",
    TimeKind.MITIGATED: "When the harm ended, whether the cause was gone or not.",
    TimeKind.RESOLVED: "When the cause was gone.",
}


class SeriesInput(forms.Widget):
    """Boxes for the series of the service, and lines for any others; all arrive under one name."""

    template_name = "incidents/partials/series_input.html"
    use_fieldset = True
    service = ""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """What the template needs; one query."""
        context: dict[str, Any] = super().get_context(name, value, attrs)
        chosen = list(value or [])
        known = Series.objects.none()
        if self.service and "\x00" not in self.service:
            known = Series.objects.filter(service__slug=self.service)
        ids = list(known.order_by("pk").values_list("pk", flat=True)[:MAX_CHOICES])
        context["boxes"] = [{"id": each, "checked": each in chosen} for each in ids]
        context["others"] = "\n".join(each for each in chosen if each not in ids)
        context["service"] = self.service
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        """Each line of each value, without the empty ones."""
        given: list[str] = data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
        return [line.strip() for text in given for line in text.splitlines() if line.strip()]


class IncidentForm(forms.Form):
    """Everything about an incident but its state, which moves by `StateForm`."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False, min_value=1)
    title = forms.CharField(
        max_length=MAX_TITLE, help_text="What one would call it in a sentence: what was wrong, for whom."
    )
    service = forms.CharField(
        max_length=MAX_SLUG,
        help_text="What failed. A name that is new here adds the service.",
        widget=forms.TextInput(
            attrs={
                "list": "services",
                "autocomplete": "off",
                "hx-get": reverse_lazy("incidents:series-choices"),
                "hx-trigger": "change",
                "hx-target": "#series-choices",
                "hx-swap": "outerHTML",
                "hx-include": "[name=series]",
            }
        ),
    )
    severity = forms.ChoiceField()
    kind = forms.ChoiceField(
        choices=Kind.choices, initial=Kind.INCIDENT, help_text="A near miss could have hurt and did not."
    )
    summary = forms.CharField(
        max_length=MAX_SUMMARY, required=False, widget=forms.Textarea(attrs={"rows": 5})
    )
    series = forms.Field(
        required=False,
        widget=SeriesInput,
        help_text="Series that showed it. With start and end recorded, they learn that this was an incident.",
    )
    is_drill = forms.BooleanField(
        required=False, label="A drill", help_text="Counts nowhere, and nothing is learnt from it."
    )
    is_holdout = forms.BooleanField(
        required=False,
        label="Held out",
        help_text="Kept from whatever learns, to test it with later. Not counted either.",
    )

    PLAIN: ClassVar = ("title", "service", "severity", "kind", "summary")
    FLAGS: ClassVar = ("is_drill", "is_holdout")

    def __init__(self, data: QueryDict | None = None, *, incident: Incident | None, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        self.incident = incident
        self.stored = {} if incident is None else incident.times_by_kind()
        self._offer_severities(incident)
        for kind in TimeKind:
            self._add_time(kind)
        widget = self.fields["series"].widget
        if isinstance(widget, SeriesInput):
            widget.service = str(self["service"].value() or "")

    def _offer_severities(self, incident: Incident | None) -> None:
        """Those in use, and the retired one that the incident has."""
        kept = None if incident is None else incident.severity_id
        terms = Term.objects.filter(vocabulary="severity").order_by("position")
        field = self.fields["severity"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [("", "Choose")] + [
                (term.code, f"{term.code} {term.label}: {term.definition}")
                for term in terms
                if not term.retired or term.pk == kept
            ]
        field.help_text = format_html(
            '<a href="{}#severity">What the severities mean</a>', reverse_lazy("catalog:vocabularies")
        )

    def _add_time(self, kind: TimeKind) -> None:
        value = self.stored.get(kind, TimeValue(TimeStatus.PENDING))
        self.fields[f"{kind}_at"] = MomentField(required=False, label="Time (UTC)", initial=value.at)
        self.fields[f"{kind}_status"] = forms.ChoiceField(
            label="Status", choices=TimeStatus.choices, initial=value.status
        )
        self.fields[f"{kind}_precision"] = forms.ChoiceField(
            label="Precision", choices=Precision.choices, initial=value.precision
        )
        self.fields[f"{kind}_source"] = forms.CharField(
            label="Source", max_length=MAX_SOURCE, required=False, initial=value.source
        )

    def clean(self) -> dict[str, Any]:
        """A time that was typed is recorded; what is said to be recorded needs one."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for kind in TimeKind:
            at, status = cleaned.get(f"{kind}_at"), cleaned.get(f"{kind}_status")
            if at is not None and status == TimeStatus.PENDING:
                cleaned[f"{kind}_status"] = TimeStatus.RECORDED.value
            elif at is None and status == TimeStatus.RECORDED and f"{kind}_at" not in self.errors:
                self.add_error(f"{kind}_at", "The time is missing. Give it, or choose another status.")
        return cleaned

    def times(self) -> dict[str, TimeValue]:
        """What was typed; a time that shows as the stored one is the stored one, fractions and all."""
        found = {}
        for kind in TimeKind:
            at = self.cleaned_data[f"{kind}_at"]
            stored = self.stored.get(kind)
            if at is not None and stored is not None and stored.at is not None:
                at = stored.at if stored.at.replace(microsecond=0) == at else at
            found[str(kind)] = TimeValue(
                self.cleaned_data[f"{kind}_status"],
                at,
                self.cleaned_data[f"{kind}_source"],
                self.cleaned_data[f"{kind}_precision"],
            )
        return found

    def told(self) -> dict[str, Any]:
        """Everything that was typed, as services take it."""
        names = (*self.PLAIN, "series", *self.FLAGS)
        return {**{name: self.cleaned_data[name] for name in names}, "times": self.times()}

    def refuse(self, error: DomainError) -> None:
        """Show what a service refused, at its field: `times.detected.at` is `detected_at` here."""
        if error.field and error.field.startswith("times."):
            error.field = error.field.removeprefix("times.").replace(".", "_")
        add_domain_error(self, error)

    def time_rows(self) -> list[dict[str, Any]]:
        """The fields of each kind of time, for the template."""
        parts = ("at", "status", "precision", "source")
        return [
            {
                "kind": kind,
                "label": kind.label,
                "hint": TIME_HINTS[kind],
                "fields": [self[f"{kind}_{part}"] for part in parts],
            }
            for kind in TimeKind
        ]

    def fields_of(self, names: Iterable[str]) -> list[BoundField]:
        return [self[name] for name in names]

    def service_names(self) -> list[str]:
        """For the list of suggestions."""
        return list(Service.objects.order_by("slug").values_list("slug", flat=True)[:500])


class NewIncidentForm(IncidentForm):
    state = forms.ChoiceField(
        label="State now",
        choices=[(state.value, state.label) for state in State if state != State.MERGED],
        initial=State.INVESTIGATING,
    )

    def told(self) -> dict[str, Any]:
        """Everything that was typed, as services take it; and leave to them what was not said."""
        told = super().told()
        if told["kind"] == Kind.NEAR_MISS:
            told["times"] = {
                kind: value for kind, value in told["times"].items() if value.status != TimeStatus.PENDING
            }
        return {**told, "state": self.cleaned_data["state"]}


class StateForm(forms.Form):
    """The next state, and when it came about."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    state = forms.ChoiceField(label="Next state")
    at = MomentField(
        required=False, label="When (UTC)", help_text="For mitigated and resolved: recorded with the times."
    )
    merged_into = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=2**63 - 1,
        label="Merged into",
        help_text="Number of the incident that goes on.",
    )
    note = forms.CharField(
        required=False,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Why. Needed to decline or cancel.",
    )

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, incident: Incident, choices: Iterable[State]
    ) -> None:
        super().__init__(data, initial={"version": incident.version})
        field = self.fields["state"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(state.value, state.label) for state in choices]

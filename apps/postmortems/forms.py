"""Draws the steps of a draft. What is typed is kept as it is; `checking` says what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.utils import ErrorDict

from apps.actions.models import Direction, Kind, Metric
from apps.incidents.models import Incident

from .models import Postmortem, TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from apps.accounts.models import User


class StepForm(forms.Form):
    """Fields of a step or of one row; `required` is shown, not asked: a draft may be incomplete."""

    use_required_attribute = False

    def full_clean(self) -> None:
        """Judge nothing: problems are said from outside, and nothing that was typed is changed."""
        self._errors = ErrorDict()
        self.cleaned_data = {}

    def say(self, field: str, text: str) -> None:
        """Show a problem at its field, or above the form if there is no such field."""
        if field not in self.fields:
            self.add_error(None, text)
        elif text not in self.errors.get(field, []):
            self.add_error(field, text)


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class WhatForm(StepForm):
    title = forms.CharField(help_text="What a colleague would call it in a year.")
    service = forms.CharField(
        help_text="The service that was hurt.",
        widget=forms.TextInput(attrs={"list": "known-services", "autocomplete": "off"}),
    )
    kind = forms.CharField(
        widget=forms.RadioSelect(
            choices=[(Postmortem.Kind.INCIDENT, "Incident"), (Postmortem.Kind.NEAR_MISS, "Near miss")]
        ),
    )
    incident = forms.CharField(required=False, help_text="Its record, if there is one.")
    summary = forms.CharField(
        widget=_area(8),
        help_text="Impact, cause and end, for somebody who was not there. Name roles, not people.",
    )

    def __init__(self, *args: Any, reader: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        recent = Incident.objects.visible_to(reader).select_related("service").order_by("-occurred_at")[:100]
        choices = [("", "None")] + [
            (str(row.pk), f"#{row.pk} {row.service.slug}: {row.title}") for row in recent
        ]
        given = str(self.data.get("incident", ""))
        if given and given not in dict(choices):
            choices.append((given, f"#{given}"))
        self.fields["incident"].widget = forms.Select(choices=choices)


class ReasonForm(StepForm):
    no_human_factor_reason = forms.CharField(
        required=False,
        label="If no factor is about people: why?",
        widget=_area(2),
        help_text="At least one human or organisational factor above, or the reason here.",
    )


class EntryForm(StepForm):
    at = forms.CharField(
        label="When (UTC)",
        widget=forms.TextInput(attrs={"placeholder": "2026-11-20 14:02", "autocomplete": "off"}),
    )
    kind = forms.CharField(widget=forms.Select(choices=TimelineEntry.Kind.choices))
    actor_role = forms.CharField(required=False, label="Who (role)")
    source = forms.CharField(required=False, label="Source")
    text = forms.CharField(label="What happened", widget=_area(2))


class ObservationForm(StepForm):
    text = forms.CharField(label="What was seen", widget=_area(2))
    evidence = forms.CharField(
        required=False,
        widget=_area(1),
        help_text="A chart, a log line or a message by which it can be checked.",
    )


class RecommendationForm(StepForm):
    text = forms.CharField(label="What should change", widget=_area(2))
    cites = forms.MultipleChoiceField(
        label="Because of", widget=forms.CheckboxSelectMultiple(attrs={"data-cites": ""})
    )


class ActionForm(StepForm):
    title = forms.CharField(label="What will be done")
    owner = forms.CharField()
    due_on = forms.CharField(label="Due", widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.CharField(label="What for", widget=forms.Select(choices=Kind.choices))
    metric = forms.CharField(
        required=False,
        label="Measured by",
        widget=forms.Select(choices=[("", "Not measured"), *Metric.choices]),
    )
    direction = forms.CharField(
        required=False, label="Should go", widget=forms.Select(choices=[("", "-"), *Direction.choices])
    )


ROW_FORMS: dict[str, type[StepForm]] = {
    "timeline": EntryForm,
    "observations": ObservationForm,
    "recommendations": RecommendationForm,
    "actions": ActionForm,
}


class Row:
    """One row of a list with its form and its place."""

    titles: ClassVar = {
        "timeline": "Entry",
        "observations": "Observation",
        "recommendations": "Recommendation",
        "actions": "Action",
    }

    def __init__(self, name: str, index: int, count: int, row: Mapping[str, Any]) -> None:
        self.name, self.id, self.number = name, str(row["id"]), index + 1
        self.is_first, self.is_last = index == 0, index == count - 1
        self.title = f"{self.titles[name]} {self.number}"
        prefix = f"{name}-{self.id}"
        self.form = ROW_FORMS[name](
            {f"{prefix}-{key}": value for key, value in row.items()}, prefix=prefix, auto_id="id_%s"
        )

    def offer(self, choices: list[tuple[str, str]]) -> None:
        """Let a recommendation choose among observations."""
        field = self.form.fields["cites"]
        if isinstance(field, forms.MultipleChoiceField):
            field.choices = choices

    def own(self, people: Iterable[tuple[str, str]]) -> None:
        """Let an action choose among people; one who cannot be chosen any more stays as typed."""
        choices = [("", "Choose a person"), *people]
        given = self.form["owner"].value() or ""
        if given not in dict(choices):
            choices.append((given, given))
        self.form.fields["owner"].widget = forms.Select(choices=choices)


def rows(name: str, data: Sequence[Mapping[str, Any]]) -> list[Row]:
    """The rows of a list, in order."""
    return [Row(name, index, len(data), row) for index, row in enumerate(data)]

"""The forms of this room: they shape what was typed; what is allowed is decided by the services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from apps.accounts.models import User
from apps.catalog.models import MAX_SLUG, Service

from . import insights
from .criterion_form import CriterionForm, values_of_criterion
from .models import GIVEN_UP, MAX_NOTE, MAX_TITLE, MAX_USERNAME, ActionItem, Kind, State

if TYPE_CHECKING:
    from django.db.models import QuerySet

BIGGEST = 2**63 - 1


def people() -> QuerySet[User]:
    """Who can own an action."""
    return User.objects.filter(is_active=True, is_service=False).order_by("username")


class PersonField(forms.ModelChoiceField[User]):
    """A person, offered by the name that others call them."""

    def label_from_instance(self, obj: User) -> str:
        return obj.name


def _note(label: str, hint: str = "", *, required: bool = False) -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=hint,
        required=required,
        max_length=MAX_NOTE,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ActionForm(CriterionForm):
    """Opening an action or changing one; its owner changes by handing it over."""

    title = forms.CharField(
        label="What is to be done",
        max_length=MAX_TITLE,
        help_text="A verb and an artefact: “Move the settlement batch to a replica”.",
    )
    owner = PersonField(
        label="Owner", queryset=User.objects.none(), empty_label="Choose a person", help_text="One person."
    )
    due_on = forms.DateField(
        label="Due",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "This is no date. Write it as 2026-11-21."},
    )
    kind = forms.ChoiceField(label="Kind", choices=Kind.choices, initial=Kind.MITIGATE)
    service = forms.ModelChoiceField(
        label="Service",
        queryset=Service.objects.none(),
        required=False,
        to_field_name="slug",
        empty_label="No service",
    )
    rank = forms.IntegerField(
        label="Rank", required=False, min_value=1, max_value=1000, help_text="1 is the most important."
    )
    insight_id = forms.TypedChoiceField(
        label="Insight",
        required=False,
        coerce=int,
        empty_value=None,
        help_text="Its replay measures false alarms, catches and delay.",
    )
    postmortem_id = forms.IntegerField(
        required=False, min_value=1, max_value=BIGGEST, widget=forms.HiddenInput, label="Postmortem"
    )
    version = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(self, *args: Any, person: User, action: ActionItem | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "owner").queryset = people()
        _choices(self, "service").queryset = Service.objects.order_by("slug")
        _choices(self, "insight_id").choices = [("", "No insight"), *self._insights(person, action)]
        if action is not None:
            del self.fields["owner"], self.fields["postmortem_id"]

    def _insights(self, person: User, action: ActionItem | None) -> list[tuple[int, str]]:
        """Those to choose from, and the present or asked-for one even if it is not among the newest."""
        known = [(pk, f"{pk}: {name}") for pk, name in insights.choices(person)]
        given = self.initial.get("insight_id") or (action.insight_id if action else None)
        if given and given not in dict(known) and insights.exists(person, given):
            known.insert(0, (given, f"{given}: {insights.title(given)}"))
        return known


def _choices(form: forms.Form, name: str) -> Any:
    return form.fields[name]


def values_of(action: ActionItem) -> dict[str, Any]:
    """What the form shows of an action at first."""
    return {
        "title": action.title,
        "due_on": action.due_on,
        "kind": action.kind,
        "service": action.service.slug if action.service else "",
        "rank": action.rank,
        "insight_id": action.insight_id,
        **values_of_criterion(action),
        "version": action.version,
    }


class DoneForm(forms.Form):
    note = _note("What was done", "A link or a sentence for whoever reads this later.")


class ReopenForm(forms.Form):
    note = _note("Why it is open again")


class DropForm(forms.Form):
    state = forms.ChoiceField(
        label="It is",
        choices=[(State.NOT_DOING, "Not worth doing"), (State.CANCELLED, "Not needed any more")],
        initial=GIVEN_UP[0],
    )
    reason = _note("Why", required=True)


class ReassignForm(forms.Form):
    owner = PersonField(label="New owner", queryset=User.objects.none(), empty_label="Choose a person")
    note = _note("Note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choices(self, "owner").queryset = people()


class StartForm(forms.Form):
    """Nothing to fill in: the button says it all."""


class FilterForm(forms.Form):
    """Which actions the list shows."""

    who = forms.ChoiceField(label="Whose", required=False, choices=[("", "Mine"), ("all", "Everybody's")])
    state = forms.ChoiceField(label="State", required=False, choices=[("", "To do"), *State.choices])
    service = forms.CharField(label="Service", required=False, max_length=MAX_SLUG)
    owner = forms.CharField(label="Owner", required=False, max_length=MAX_USERNAME)

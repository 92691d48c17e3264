"""The forms of completion and of handing over many actions."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.catalog.models import MAX_SLUG

from . import completion
from .forms import PersonField, people
from .models import MAX_NOTE, MAX_USERNAME, Kind
from .models.targets import LONGEST_ESCALATION, USUAL_ESCALATION_DAYS

PERCENT = 100


class CompletionFilterForm(forms.Form):
    team = forms.ChoiceField(label="Team", required=False)
    service = forms.CharField(label="Service", required=False, max_length=MAX_SLUG)
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "All"), *Kind.choices])
    owner = forms.CharField(label="Owner", required=False, max_length=MAX_USERNAME)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["team"]
        field.choices = [("", "All"), *Team.objects.order_by("name").values_list("slug", "name")]


class TargetForm(forms.Form):
    tier = forms.ChoiceField(label="Tier", required=False)
    share = forms.FloatField(
        label="Done in time",
        min_value=1,
        max_value=100,
        initial=80,
        help_text="Per cent.",
        widget=forms.NumberInput(attrs={"step": "any"}),
    )
    escalate_days = forms.IntegerField(
        label="Escalated after",
        min_value=1,
        max_value=LONGEST_ESCALATION,
        initial=USUAL_ESCALATION_DAYS,
        help_text="Days after the due date.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["tier"]
        field.choices = [("", completion.NO_TIER), *completion.tiers()]

    def clean_share(self) -> float:
        """Typed as per cent."""
        return float(self.cleaned_data["share"]) / PERCENT


class FromForm(forms.Form):
    """Whose actions are handed over."""

    owner = forms.ChoiceField(label="Whose", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["owner"]
        owners = (
            User.objects.filter(actions__state__in=("open", "in_progress")).distinct().order_by("username")
        )
        field.choices = [
            ("", "Choose a person"),
            *((one.username, one.name if one.is_active else f"{one.name} (has left)") for one in owners),
        ]


class HandOverForm(forms.Form):
    actions = forms.TypedMultipleChoiceField(
        label="Actions",
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one action."},
    )
    owner = PersonField(label="New owner", queryset=User.objects.none(), empty_label="Choose a person")
    note = forms.CharField(
        label="Note", required=False, max_length=MAX_NOTE, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, offered: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen: Any = self.fields["actions"]
        chosen.choices = offered
        chosen.initial = [pk for pk, _ in offered]
        owners: Any = self.fields["owner"]
        owners.queryset = people()

"""The forms of shadow runs."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.insights.models import ShadowRun
from apps.insights.models.shadowing import MAX_HYPOTHESIS
from apps.ui.forms import MomentField

from .review_forms import MAX_TEXT

PERCENT = 100


class StartForm(forms.Form):
    """What a run registers; the reason for an override where the gate did not pass."""

    revision = forms.IntegerField(min_value=1, max_value=2**31 - 1, widget=forms.HiddenInput)
    hypothesis = forms.CharField(
        label="Hypothesis",
        max_length=MAX_HYPOTHESIS,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What it will show, and why. It is frozen before the first sample.",
    )
    metric = forms.ChoiceField(label="Measured by", choices=[("", "Choose"), *ShadowRun.Metric.choices])
    smallest_effect = forms.IntegerField(
        label="Smallest effect worth having, in %",
        min_value=1,
        max_value=99,
        help_text="Of the false alarms that are to go, or of the incidents to be caught besides.",
    )
    starts_at = MomentField(
        required=False, label="From (UTC)", help_text="Empty: at once. Not inside a protected window."
    )
    ends_at = MomentField(label="Planned end (UTC)", help_text="1 to 180 days later. It is judged then.")
    override_reason = forms.CharField(
        label="Why it is tried although the gate did not pass",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="It halves the confidence that models will see, and stays visible for ever.",
    )

    def __init__(self, data: Any = None, *, needs_override: bool, **kwargs: Any) -> None:
        super().__init__(data, auto_id="id_start_%s", **kwargs)
        if not needs_override:
            del self.fields["override_reason"]

    def clean_smallest_effect(self) -> float:
        """As a share."""
        return float(self.cleaned_data["smallest_effect"]) / PERCENT


class StopForm(forms.Form):
    """Why a run stops."""

    reason = forms.CharField(
        label="Reason",
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The author reads it, and it stays.",
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="id_stop_%s")

"""What the pages of this room ask: an effect for the power calculator, days for the learning metrics."""

from __future__ import annotations

from django import forms

from apps.catalog.models import MAX_SLUG, Service

from .calculator import QUESTIONS

LEAST, MOST = 5, 90


class PowerForm(forms.Form):
    """Which effect is to show, and where."""

    metric = forms.ChoiceField(label="What is to change", choices=list(QUESTIONS.items()))
    effect = forms.IntegerField(
        label="By how much, in %",
        min_value=LEAST,
        max_value=MOST,
        help_text="A reduction; for automation points more of a hundred incidents.",
    )
    service = forms.CharField(
        label="Service",
        required=False,
        max_length=MAX_SLUG,
        widget=forms.TextInput(attrs={"list": "services", "autocomplete": "off"}),
        help_text="Empty: all services together.",
    )

    def clean_service(self) -> str:
        """A service that exists."""
        slug = str(self.cleaned_data["service"]).strip()
        if slug and ("\x00" in slug or not Service.objects.filter(slug=slug).exists()):
            raise forms.ValidationError(
                "There is no such service. Choose one of the list, or leave it empty."
            )
        return slug


class PeriodForm(forms.Form):
    """Days, both included."""

    first = forms.DateField(
        label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    last = forms.DateField(
        label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def add_prefix(self, field_name: str) -> str:
        """`from` is no name for an attribute, but it is the one in the address and in the API."""
        return {"first": "from", "last": "to"}.get(field_name, field_name)

"""One way to draw every form: label, hint, control and error of a field belong together."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.renderers import TemplatesSetting

if TYPE_CHECKING:
    from datetime import datetime

    from django.forms import BaseForm

    from apps.common.errors import DomainError


INPUT_FORMAT = "%Y-%m-%dT%H:%M:%S"


class MomentField(forms.DateTimeField):
    """A moment in UTC; one with another offset is converted."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"type": "datetime-local", "step": "1"}
        super().__init__(widget=forms.DateTimeInput(attrs=attrs, format=INPUT_FORMAT), **kwargs)
        self.error_messages["invalid"] = "This is no time. Write it as 2026-11-21 15:04, in UTC."

    def clean(self, value: Any) -> Any:
        """The moment in UTC, None if empty."""
        moment: datetime | None = super().clean(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"]) from error


class Renderer(TemplatesSetting):
    """Draws fields by `components/field.html`: screen readers hear the error with its control."""

    field_template_name = "components/field.html"
    form_template_name = "components/form_fields.html"


def add_domain_error(form: BaseForm, error: DomainError) -> None:
    """Show what a service refused at the field that it names, or above the form."""
    text = f"{error.detail} {error.remedy}" if error.remedy else error.detail
    form.add_error(error.field if error.field in form.fields else None, text)

"""One way to draw every form: label, hint, control and error of a field belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.forms.renderers import TemplatesSetting

if TYPE_CHECKING:
    from django.forms import BaseForm

    from apps.common.errors import DomainError


class Renderer(TemplatesSetting):
    """Draws fields by `components/field.html`: screen readers hear the error with its control."""

    field_template_name = "components/field.html"
    form_template_name = "components/form_fields.html"


def add_domain_error(form: BaseForm, error: DomainError) -> None:
    """Show what a service refused at the field that it names, or above the form."""
    text = f"{error.detail} {error.remedy}" if error.remedy else error.detail
    form.add_error(error.field if error.field in form.fields else None, text)

"""The form of a service: it shapes what was typed; what is allowed is decided by the service function."""

from __future__ import annotations

from django import forms

from apps.accounts.models import Team

from .models import MAX_NAME, Service, Term


class ServiceForm(forms.Form):
    name = forms.CharField(
        required=False, max_length=MAX_NAME, help_text="As people call it; the short name stays as it is."
    )
    tier = forms.ChoiceField(required=False, help_text="How much the business depends on it.", choices=())
    owner = forms.ChoiceField(required=False, label="Owning team", choices=())

    def __init__(self, data: object = None, *, service: Service) -> None:
        super().__init__(
            data,  # type: ignore[arg-type]  # a QueryDict or None
            initial={
                "name": service.name,
                "tier": service.tier.code if service.tier else "",
                "owner": service.owner.slug if service.owner else "",
            },
        )
        kept = service.tier_id
        terms = Term.objects.filter(vocabulary="service_tier").order_by("position")
        tiers = [
            (term.code, f"{term.label}: {term.definition}")
            for term in terms
            if not term.retired or term.pk == kept
        ]
        teams = [(team.slug, team.name) for team in Team.objects.order_by("name", "slug")]
        for name, choices in (("tier", tiers), ("owner", teams)):
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = [("", "Not said"), *choices]

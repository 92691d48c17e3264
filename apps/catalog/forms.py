"""The forms of this room: they shape what was typed; what is allowed is decided by the service functions."""

from __future__ import annotations

from django import forms

from apps.accounts.models import Team
from apps.analysis.rrules import MAX_LENGTH
from apps.ui.forms import MomentField

from .models import MAX_NAME, MAX_REASON, Service, Term


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


class WindowForm(forms.Form):
    """Protect a service or all of them, once or again and again."""

    service = forms.ChoiceField(required=False, label="What is protected", choices=())
    reason = forms.CharField(
        label="Reason", max_length=MAX_REASON, help_text="Whoever is refused reads it: “Christmas sale”."
    )
    start_at = MomentField(
        required=False, label="From (UTC)", help_text="With a rule: counted from then on; empty is now."
    )
    end_at = MomentField(required=False, label="Until (UTC)", help_text="With a rule: empty is for ever.")
    rrule = forms.CharField(
        required=False,
        label="Rule, if it comes again",
        max_length=MAX_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono"}),
        help_text="RFC 5545, such as FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=8",
    )
    duration_min = forms.IntegerField(
        required=False,
        min_value=-(2**31),
        max_value=2**31 - 1,
        label="Minutes each time",
        help_text="Only with a rule: 1 to 1440.",
    )

    def __init__(self, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a QueryDict or None
        field = self.fields["service"]
        if isinstance(field, forms.ChoiceField):
            slugs = Service.objects.order_by("slug").values_list("slug", "name")
            field.choices = [("", "The whole fleet"), *((slug, name or slug) for slug, name in slugs)]

"""The filters of the list of postmortems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from apps.catalog.models import MAX_SLUG, Service, Term

if TYPE_CHECKING:
    from .querysets import PostmortemQuerySet

MAX_SEARCH = 200
OF_LABELS = {
    "failure_mode": "Failure mode",
    "trigger": "Trigger",
    "detection": "Detection",
    "remediation": "Remediation",
    "contributing_factor": "Contributing factor",
}
GROUPS = {"technical": "Technical", "human": "Human", "organisational": "Organisational", "": "Other"}


class FilterForm(forms.Form):
    """Everything optional; a code that is none is refused. Retired codes still find old reviews."""

    q = forms.CharField(
        required=False,
        max_length=MAX_SEARCH,
        label="Words",
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    service = forms.ChoiceField(required=False)
    origin = forms.ChoiceField(
        required=False,
        choices=[("", "Ours and public"), ("own", "Ours"), ("public", "Published by others")],
    )
    errors_of_labels: ClassVar = {"invalid_choice": "There is no such code in this list: %(value)s"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        slugs = Service.objects.order_by("slug").values_list("slug", flat=True)[:1000]
        choices = [("", "Every service"), *((slug, slug[:MAX_SLUG]) for slug in slugs)]
        self.fields["service"] = forms.ChoiceField(
            required=False,
            choices=choices,
            error_messages={"invalid_choice": "There is no service %(value)s"},
        )
        terms: dict[str, list[Term]] = {slug: [] for slug in OF_LABELS}
        for term in Term.objects.filter(vocabulary__in=OF_LABELS).order_by("position", "pk"):
            terms[term.vocabulary_id].append(term)
        for slug, label in OF_LABELS.items():
            self.fields[slug] = forms.ChoiceField(
                required=False,
                label=label,
                choices=[("", "Any"), *_grouped(terms[slug])],
                error_messages=self.errors_of_labels,
            )

    def narrowed(self, found: PostmortemQuerySet) -> PostmortemQuerySet:
        """The postmortems that all filters let through; none if one is wrong."""
        if not self.is_valid():
            return found.none()
        given = self.cleaned_data
        if given["service"]:
            found = found.filter(service__slug=given["service"])
        if given["origin"]:
            found = found.of_origin(given["origin"])
        for slug in OF_LABELS:
            if given[slug]:
                found = found.labelled(slug, given[slug])
        return found.search(given["q"]) if given["q"] else found


def _grouped(terms: list[Term]) -> list[tuple[str, Any]]:
    if not any(term.group for term in terms):
        return [(term.code, term.label) for term in terms]
    groups: dict[str, list[tuple[str, str]]] = {}
    for term in terms:
        groups.setdefault(GROUPS.get(term.group, term.group), []).append((term.code, term.label))
    return list(groups.items())

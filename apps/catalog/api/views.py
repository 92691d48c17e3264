"""Reading the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.catalog.models import Service, Term, Vocabulary

from .serializers import (
    ServicePageSerializer,
    ServiceSerializer,
    VocabularyListSerializer,
    VocabularySerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

SERVICES = {
    "items": [{"slug": "checkout", "name": "Checkout", "tier": "tier_0", "owner": "payments"}],
    "next": None,
}
VOCABULARIES = {
    "items": [
        {
            "slug": "severity",
            "version": 1,
            "label": "Severity",
            "description": "How much an incident hurts.",
            "terms": [
                {
                    "code": "SEV-1",
                    "label": "Critical",
                    "definition": "Customers cannot use the product.",
                    "group": "",
                    "aliases": ["P1"],
                    "retired": False,
                }
            ],
        }
    ]
}


class ServicesView(ApiView):
    access: ClassVar = {"GET": Access(scope="catalog:read")}

    @extend_schema(
        operation_id="services_list",
        summary="Services, by name",
        parameters=PAGE_PARAMETERS,
        responses=ServicePageSerializer,
        examples=[OpenApiExample("services", SERVICES, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        page = keyset(Service.objects.select_related("tier", "owner"), request, "slug")
        return Response({**page, "items": ServiceSerializer(page["items"], many=True).data})


class VocabulariesView(ApiView):
    access: ClassVar = {"GET": Access(scope="catalog:read")}

    @extend_schema(
        operation_id="vocabularies_list",
        summary="All vocabularies with their terms, retired ones included",
        responses=VocabularyListSerializer,
        examples=[OpenApiExample("vocabularies", VOCABULARIES, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        terms = Prefetch("terms", Term.objects.order_by("position", "id"))
        found = Vocabulary.objects.prefetch_related(terms).order_by("slug")
        return Response({"items": VocabularySerializer(found, many=True).data})

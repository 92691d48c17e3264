"""What a release is worth over HTTP: ask for a comparison, and read what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.common.errors import NotFoundError
from apps.common.times import iso_us
from apps.evaluation.models import Run
from apps.features.releases import get_release
from apps.insights import ablating, services
from apps.insights.release_steps import NOTHING
from apps.insights.services.comparing import COMPARERS

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="insights:read")
ASK = Access(scope="insights:write", roles=COMPARERS)
RUN: dict[str, Any] = {
    "id": 4,
    "release": 3,
    "against": 0,
    "state": "pending",
    "done": 2,
    "total": 16,
    "error": "",
    "requested_by": "kim",
    "requested_at": "2026-11-21T12:00:00.000001Z",
    "figures": None,
}
MEASURED: dict[str, Any] = RUN | {
    "state": "measured",
    "done": 16,
    "figures": {
        "release": 3,
        "against": 0,
        "difference": {"utility": {"effect": 1.4, "low": -0.3, "high": 3.1, "verdict": "too_few_data"}},
        "contributions": [{"insight": 1, "shapley": 1.4, "leave_one_out": 1.4}],
        "sum_of_contributions": 1.4,
        "split_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    },
}


class AblationSerializer(serializers.Serializer[Any]):
    """Against what, in which window, on which split. All may be left out."""

    against = serializers.IntegerField(
        required=False, default=NOTHING, min_value=0, help_text="Another release; 0: the default"
    )
    split = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=100,
        help_text="A name, or the hash of an earlier run: other members are then an error",
    )

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`from` is a word of Python's own, so its field is added by name."""
        fields = super().get_fields()
        fields["from"] = serializers.DateTimeField(
            required=False, default=None, allow_null=True, help_text="First moment that is judged"
        )
        fields["to"] = serializers.DateTimeField(
            required=False, default=None, allow_null=True, help_text="Last moment that is judged"
        )
        return fields


def _shown(name: str, value: Any, text: str = "") -> OpenApiResponse:
    schema = {"type": "object", "additionalProperties": True}
    return OpenApiResponse(schema, text, [OpenApiExample(name, value, response_only=True)])


class AblationsView(ApiView):
    """Comparisons of one release."""

    access: ClassVar = {"GET": READ, "POST": ASK}

    @extend_schema(
        operation_id="release_ablations_list",
        parameters=PAGE_PARAMETERS,
        responses={200: _shown("page", {"items": [RUN], "next": None})},
    )
    def get(self, request: Request, number: int) -> Response:
        """Comparisons that were asked for, newest first, without their figures."""
        get_release(number)
        page = keyset(Run.objects.filter(kind=ablating.KIND, question__release=number), request, "-id")
        return Response({**page, "items": [as_json(run) for run in page["items"]]})

    @extend_schema(
        operation_id="release_ablations_create",
        request=AblationSerializer,
        examples=[OpenApiExample("against release 2", {"against": 2}, request_only=True)],
        responses={202: _shown("accepted", RUN, "A worker replays both; read it at its id.")},
    )
    def post(self, request: Request, number: int) -> Response:
        """Replay release `number` against another on held-out telemetry, in the background."""
        serializer = AblationSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        asked = serializer.validated_data
        run = services.ask_comparison(
            release=number,
            against=asked["against"],
            actor=self.person,
            start=asked["from"],
            end=asked["to"],
            split=asked["split"],
        )
        return Response(as_json(run), status=202)


class AblationView(ApiView):
    """One comparison."""

    access: ClassVar = {"GET": READ}

    @extend_schema(operation_id="release_ablations_retrieve", responses={200: _shown("measured", MEASURED)})
    def get(self, request: Request, number: int, pk: int) -> Response:
        """How far it is, and its figures once it is measured."""
        runs = Run.objects.filter(kind=ablating.KIND, question__release=number).select_related("result")
        run = runs.filter(pk=pk).first()
        if run is None:
            raise NotFoundError(f"Release {number} has no comparison {pk}.", field="id")
        return Response(as_json(run) | {"figures": run.result.figures if run.result else None})


def as_json(run: Run) -> dict[str, Any]:
    """A run without its figures."""
    return {
        "id": run.pk,
        "release": run.question["release"],
        "against": run.question["against"],
        "state": run.state,
        "done": run.done,
        "total": run.total,
        "error": run.error,
        "requested_by": run.requested_by,
        "requested_at": iso_us(run.requested_at),
    }

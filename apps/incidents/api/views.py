"""Incidents over HTTP: declare, read, amend, move on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import Role
from apps.common.errors import NotFoundError
from apps.incidents import filters, services
from apps.incidents.models import Incident
from apps.telemetry.models import Series

from . import examples
from .serializers import (
    AmendmentInput,
    IncidentInput,
    IncidentPageSerializer,
    IncidentSerializer,
    MoveInput,
    values,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

    from apps.incidents.querysets import IncidentQuerySet

READ = Access(scope="incidents:read")
WRITE = Access(
    scope="incidents:write",
    roles={Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN},
    services_too=True,
)


def shown(name: str, value: Any, text: str) -> OpenApiResponse:
    """A documented reply with its example."""
    return OpenApiResponse(IncidentSerializer, text, [OpenApiExample(name, value, response_only=True)])


class IncidentView(ApiView):
    """What the views of incidents share."""

    def visible(self) -> IncidentQuerySet:
        """Those that the caller may read, with everything that is shown."""
        series = Prefetch("series", Series.objects.only("id"))
        return Incident.objects.visible_to(self.person).with_times().prefetch_related(series)

    def story(self, incident_id: int) -> dict[str, Any]:
        """One incident as the API shows it.

        Raises:
            NotFoundError: no such incident, or not for this reader.
        """
        incident = self.visible().filter(pk=incident_id).first()
        if incident is None:
            raise NotFoundError(f"There is no incident {incident_id}.", field="id")
        return IncidentSerializer(incident).data

    def told(self, serializer: Any) -> dict[str, Any]:
        """The body of the request, checked; times as services take them."""
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = dict(serializer.validated_data)
        if "times" in data:
            data["times"] = values(data["times"])
        return data


class IncidentsView(IncidentView):
    """All incidents; declare one."""

    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="incidents_list",
        summary="Incidents, the latest first",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("is", str, enum=["open", "ended"], description="whether it still asks for work"),
            OpenApiParameter("service", str, description="only of this service"),
            OpenApiParameter("severity", str, description="only of this severity"),
            OpenApiParameter("kind", str, description="incident or near_miss"),
            OpenApiParameter("origin", str, description="own or public"),
            OpenApiParameter("q", str, description="all of these words in title, summary or service"),
        ],
        responses=IncidentPageSerializer,
        examples=[OpenApiExample("page", {"items": [examples.INCIDENT], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        """List incidents by keyset: ?limit= and ?cursor=."""
        found = filters.narrowed(self.visible(), request.query_params)
        page = keyset(found, request, ["-occurred_at", "-id"])
        return Response({**page, "items": IncidentSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="incidents_create",
        summary="Declare an incident or a near miss",
        request=IncidentInput,
        examples=[OpenApiExample("new", examples.NEW, request_only=True)],
        responses={201: shown("declared", examples.INCIDENT, "Declared")},
    )
    def post(self, request: Request) -> Response:
        """Declare an incident; times that are not told are pending."""
        incident = services.declare_incident(
            **self.told(IncidentInput(data=request.data)), declared_by=self.person
        )
        return Response(self.story(incident.pk), status=201)


class IncidentDetailView(IncidentView):
    """One incident."""

    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="incidents_read",
        summary="One incident",
        responses={200: shown("incident", examples.INCIDENT, "")},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Read one incident with times, durations and the reasons for those that are missing."""
        return Response(self.story(pk))

    @extend_schema(
        operation_id="incidents_amend",
        summary="Amend an incident",
        description="409 `stale_version` if somebody changed it after the version named.",
        request=AmendmentInput,
        examples=[OpenApiExample("amendment", examples.AMENDMENT, request_only=True)],
        responses={200: shown("amended", examples.AMENDED, "Amended")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Change what is named; everything else stays."""
        self.story(pk)
        changes = self.told(AmendmentInput(data=request.data))
        version = changes.pop("version")
        services.amend_incident(incident_id=pk, seen_version=version, editor=self.person, **changes)
        return Response(self.story(pk))


class IncidentStateView(IncidentView):
    """Move an incident on."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="incidents_state",
        summary="Change the state of an incident",
        request=MoveInput,
        examples=[OpenApiExample("resolved", examples.MOVE, request_only=True)],
        responses={200: shown("moved", examples.MOVED, "Moved on")},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Go to one of `next_states`, and record when."""
        self.story(pk)
        told = self.told(MoveInput(data=request.data))
        services.change_state(
            incident_id=pk,
            state=told["state"],
            note=told["note"],
            at=told["at"],
            merged_into=told["merged_into"],
            seen_version=told["version"],
            actor=self.person,
        )
        return Response(self.story(pk))

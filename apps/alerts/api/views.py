"""Alarms over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.alerts.models import Alarm
from apps.alerts.services import Report, report_alarms
from apps.common.times import iso_us
from apps.telemetry.api.access import FEEDERS
from apps.telemetry.intake import Item, from_us, items_of, moment_of

from .serializers import AlarmInput, AlarmPageSerializer, AlarmSerializer, AlarmsReceivedSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

MAX_ALARMS = 10_000
MAX_RELEASE = 2**31 - 1
ALARM = {"series": "checkout/latency_p99", "at": "2026-11-21T11:55:00.000000Z", "score": 12.5, "release": 17}
STORED = {"id": 1, **ALARM, "reported_by": "detector-shop", "received_at": "2026-11-21T11:55:02.120000Z"}


RECEIVED: dict[str, Any] = {"added": 1, "same": 0, "differing": []}
ANOTHER = {"added": 0, "same": 0, "differing": [{"item": 0, **ALARM, "kept_score": 11.0}]}
WRITE = Access("alerts:write", roles=FEEDERS, services_too=True)


class AlarmsView(ApiView):
    access: ClassVar = {"GET": Access(scope="alerts:read"), "POST": WRITE}

    @extend_schema(
        operation_id="alarms_list",
        summary="Alarms by time",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("series", str, description="only of this series"),
            OpenApiParameter("since", str, description="only at or after this time"),
        ],
        responses=AlarmPageSerializer,
        examples=[OpenApiExample("page", {"items": [STORED], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        found = Alarm.objects.visible_to(self.person).select_related("reported_by")
        if series := request.query_params.get("series"):
            found = found.filter(series=series)
        if since := moment_of(request.query_params.get("since"), field="since"):
            found = found.filter(at__gte=since)
        page = keyset(found, request, ["at", "id"])
        return Response({**page, "items": AlarmSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="alarms_create",
        summary=f"Report alarms: one, or a list of at most {MAX_ALARMS}; all or none",
        request=AlarmInput(many=True),
        responses={201: AlarmsReceivedSerializer},
        examples=[
            OpenApiExample("alarms", ALARM, request_only=True),
            OpenApiExample("received", RECEIVED, response_only=True, status_codes=["201"]),
            OpenApiExample("another score", ANOTHER, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        reports = [_report(item) for item in items_of(request.data, most=MAX_ALARMS, form=AlarmInput)]
        received = report_alarms(reports=reports, by=self.person)
        differing = [
            {
                "item": difference.number,
                "series": difference.report.series,
                "at": iso_us(difference.report.at),
                "release": difference.report.release,
                "score": difference.report.score,
                "kept_score": difference.kept,
            }
            for difference in received.differing
        ]
        return Response({"added": received.added, "same": received.same, "differing": differing}, status=201)


def _report(item: Item) -> Report:
    return Report(
        series=item.series(),
        at=from_us(item.moment_us("at")),
        score=item.number_of("score"),
        release=item.whole_or_none("release", MAX_RELEASE),
    )

"""Series, their samples and labels over HTTP."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.analysis.types import Interval
from apps.common.errors import InvalidInputError, NotFoundError
from apps.common.times import iso_us
from apps.telemetry import reading, services
from apps.telemetry.intake import Item, items_of, moment_of
from apps.telemetry.models import OutcomeLabel, Series
from apps.telemetry.sources import Label, read_bytes, split_series_id

from . import examples
from .access import FEEDERS
from .serializers import (
    LabelInput,
    LabelsStoredSerializer,
    SamplesSerializer,
    SeriesImportedSerializer,
    SeriesPageSerializer,
    SeriesSerializer,
    SeriesUpload,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="telemetry:read")
MAX_LABELS = 10_000
MAX_SAMPLES = 20_000
MAX_FILE_NAME = 200


class SeriesListView(ApiView):
    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="series_list",
        summary="Series by id",
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("service", str, description="only of this service"),
            OpenApiParameter("metric_family", str, description="only of this metric family"),
        ],
        responses=SeriesPageSerializer,
        examples=[OpenApiExample("page", {"items": [examples.SERIES], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        found = Series.objects.visible_to(self.person).select_related("service")
        if service := request.query_params.get("service"):
            found = found.filter(service__slug=service)
        if family := request.query_params.get("metric_family"):
            found = found.filter(metric_family=family)
        page = keyset(found, request, "pk")
        return Response({**page, "items": SeriesSerializer(page["items"], many=True).data})


class SeriesView(ApiView):
    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="series_read",
        summary="One series",
        responses=SeriesSerializer,
        examples=[OpenApiExample("series", examples.SERIES, response_only=True)],
    )
    def get(self, request: Request, series_id: str) -> Response:
        return Response(SeriesSerializer(_visible(self, series_id)).data)


class SamplesView(ApiView):
    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="series_samples",
        summary=f"Samples by time, at most {MAX_SAMPLES} a page",
        parameters=[
            OpenApiParameter("start", str, description="first time, included"),
            OpenApiParameter("end", str, description="last time, included"),
        ],
        responses=SamplesSerializer,
        examples=[OpenApiExample("samples", examples.SAMPLES, response_only=True)],
    )
    def get(self, request: Request, series_id: str) -> Response:
        series = _visible(self, series_id)
        start = moment_of(request.query_params.get("start"), field="start")
        end = moment_of(request.query_params.get("end"), field="end")
        telemetry = reading.read(series.pk, start, end, limit=MAX_SAMPLES + 1)
        times = [iso_us(reading.from_us(moment_us)) for moment_us in telemetry.times.tolist()]
        return Response(
            {
                "series": series.pk,
                "at": times[:MAX_SAMPLES],
                "value": telemetry.values[:MAX_SAMPLES].tolist(),
                "next_start": times[MAX_SAMPLES] if len(times) > MAX_SAMPLES else None,
            }
        )


def _visible(view: ApiView, series_id: str) -> Series:
    series = (
        None
        if "\0" in series_id
        else (Series.objects.visible_to(view.person).select_related("service").filter(pk=series_id).first())
    )
    if series is None:
        raise NotFoundError(f"There is no series {series_id!a}.", field="series_id")
    return series


class CsvParser(BaseParser):
    """Takes the body as it is; the view reads it."""

    media_type = "text/csv"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        return {}


class SeriesImportView(ApiView):
    access: ClassVar = {"POST": Access("telemetry:write", roles=FEEDERS, services_too=True)}
    parser_classes = [CsvParser, MultiPartParser]

    @extend_schema(
        operation_id="series_import",
        summary="Import the samples of one series from CSV (columns timestamp, value)",
        description="A broken file is refused as a whole; the error names row, column, text and remedy.",
        parameters=[
            OpenApiParameter("series", str, required=True, description="service/metric"),
            OpenApiParameter("tz", str, description="zone of times that name none; UTC if not given"),
        ],
        request={"text/csv": OpenApiTypes.STR, "multipart/form-data": SeriesUpload},
        responses={201: SeriesImportedSerializer},
        examples=[
            OpenApiExample("csv", examples.CSV, request_only=True, media_type="text/csv"),
            OpenApiExample("imported", examples.IMPORTED, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        series_id = request.query_params.get("series", "")
        split_series_id(series_id)
        tz = request.query_params.get("tz", "UTC")
        data, name = _uploaded(request)
        result = services.import_series(
            reading=read_bytes(data, series_id=series_id, file=name, tz=tz),
            tz=tz,
            by=self.person,
            source="api",
        )
        return Response(asdict(result), status=201)


def _uploaded(request: Request) -> tuple[bytes, str]:
    """The bytes of the request and what to call them in a report.

    Raises:
        InvalidInputError: a form without the field `file`.
        RequestDataTooBig: more than `DATA_UPLOAD_MAX_MEMORY_SIZE`; the command takes files of any size.
    """
    if not request.content_type.startswith("multipart/"):
        return request._request.body, "body"  # noqa: SLF001  # DRF has no door to the raw body that checks its size
    upload = request.FILES.get("file")
    if not isinstance(upload, UploadedFile):
        raise InvalidInputError("The form has no file.", field="file")
    if (upload.size or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise RequestDataTooBig
    return upload.read(), (upload.name or "file")[-MAX_FILE_NAME:]


class IncidentLabelsView(ApiView):
    access: ClassVar = {"POST": Access("outcomes:write", roles=FEEDERS, services_too=True)}

    @extend_schema(
        operation_id="incident_labels_create",
        summary=f"Label intervals of series as incident or benign, at most {MAX_LABELS}; all or none",
        request=LabelInput(many=True),
        responses={201: LabelsStoredSerializer},
        examples=[
            OpenApiExample("labels", examples.LABEL, request_only=True),
            OpenApiExample("stored", {"added": 1, "same": 0}, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        labels = [_label(item) for item in items_of(request.data, most=MAX_LABELS, form=LabelInput)]
        result = services.import_labels(labels=labels, source="api", by=self.person)
        return Response({"added": result.added, "same": result.same}, status=201)


def _label(item: Item) -> Label:
    start_us, end_us = item.moment_us("start"), item.moment_us("end")
    if end_us < start_us:
        raise item.refuse("end", "is before the start")
    kind = item.text("kind", default=OutcomeLabel.Kind.INCIDENT.value)
    if kind not in OutcomeLabel.Kind.values:
        raise item.refuse("kind", f"one of {', '.join(OutcomeLabel.Kind.values)} is needed")
    return Label(item.series(), Interval(start_us=start_us, end_us=end_us), kind)

"""Features over HTTP: read online and historically, trace a value, fetch the client folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.response import Response

from apps.accounts.door import Access, ApiView
from apps.common.times import iso_us
from apps.features import client_folder, entity_table, facts, historical, lineage, reading
from apps.features.names import ACTIVE_SERVICE
from apps.features.releases import get_release, settle
from apps.features.store import open_store
from apps.features.usage import NO_RELEASE, uses

from . import examples
from .serializers import FactLineageSerializer, HistoricalSerializer, LineageSerializer, OnlineSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="features:read")
ZIP = "application/zip"
NO_SERVICE = examples.absent(
    "Feature service detection__r9 does not exist", "feature_service", "unknown_features"
)


class FeaturesView(ApiView):
    """What the reading views share."""

    idempotent = False

    def consumer(self) -> str:
        """Who reads, for the usage record: account and token."""
        return f"{self.person.username}/{self.token.name if self.token else 'session'}"

    def limit(self, asked: float | None) -> float | None:
        """The confidence below which this consumer gets nothing: the stricter of its token's and its
        request's."""
        return reading.strictest(asked, self.token.min_confidence if self.token else None)


class OnlineView(FeaturesView):
    """Online features for clients without the SDK."""

    access: ClassVar = {"POST": READ}

    @extend_schema(
        operation_id="features_online",
        request=OnlineSerializer,
        responses={200: examples.shown("online", examples.ONLINE), **NO_SERVICE},
        examples=[
            OpenApiExample(
                "active release",
                {"feature_service": "detection", "entities": {"series": ["checkout/latency_p99"]}},
                request_only=True,
            ),
            OpenApiExample(
                "history of a service",
                {"feature_service": "service_history", "entities": {"service": ["checkout"]}},
                request_only=True,
            ),
            OpenApiExample(
                "what ends a failure",
                {
                    "feature_service": "remediation_prior",
                    "entities": {"failure_mode": ["config_error"], "service_tier": ["any"]},
                },
                request_only=True,
            ),
        ],
    )
    def post(self, request: Request) -> Response:
        """Values served now, one column per name, each as long as the list of entities (1 to 1000)."""
        asked = _checked(OnlineSerializer, request.data)
        now = reading.standing()
        service = asked.get("feature_service") or (None if asked.get("features") else ACTIVE_SERVICE)
        selection = reading.select(
            now,
            feature_service=service,
            features=asked.get("features"),
            full_names=asked["full_feature_names"],
        )
        answer = reading.answer(
            open_store(),
            selection,
            reading.check_entities(asked["entities"], selection.join_keys),
            now=now,
            min_confidence=self.limit(asked.get("min_confidence")),
            consumer=self.consumer(),
        )
        return Response({"release": answer.release, **answer.plain()})


class AnyAnswer(BaseContentNegotiation):
    """Answers are Parquet or zip, problems are JSON, whatever the client says that it accepts."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        """Unused: bodies are read as bytes, whatever type they claim."""
        return parsers[0]

    def select_renderer(self, request: Any, renderers: Any, format_suffix: Any = None) -> Any:
        """The one renderer, for problems."""
        return renderers[0], renderers[0].media_type


class HistoricalView(FeaturesView):
    """Training data."""

    access: ClassVar = {"POST": READ}
    content_negotiation_class: ClassVar[Any] = AnyAnswer  # type: ignore[misc]  # the stubs forget ClassVar

    @extend_schema(
        operation_id="features_historical",
        request={historical.MEDIA_TYPE: OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter("feature_service", OpenApiTypes.STR, description="default: detection"),
            OpenApiParameter("features", OpenApiTypes.STR, many=True, description="view:feature, repeatable"),
            OpenApiParameter("as_of_release", OpenApiTypes.INT, description="join all rows at its known_at"),
            OpenApiParameter("min_confidence", OpenApiTypes.FLOAT),
            OpenApiParameter("full_feature_names", OpenApiTypes.BOOL),
        ],
        responses={
            (200, historical.MEDIA_TYPE): OpenApiResponse(OpenApiTypes.BINARY, "The table with features."),
            **NO_SERVICE,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Parquet in (the join keys of the views, `event_timestamp`, anything else; at most 50,000 rows), the
        same and features out.

        Rows keep their order, number and columns. `X-Aftercast-Watermark` is the moment up to which answers
        are final: a later release cannot change a join at or before it.
        """
        asked = _checked(HistoricalSerializer, _query(request))
        table = entity_table.read_parquet(request.body)
        release = get_release(asked["as_of_release"]) if "as_of_release" in asked else None
        watermark = settle()
        now = reading.standing()
        service = asked.get("feature_service") or (None if asked.get("features") else ACTIVE_SERVICE)
        selection = reading.select(
            now,
            feature_service=service,
            features=asked.get("features"),
            full_names=asked["full_feature_names"],
            for_training=True,
        )
        if selection.facts:
            watermark = min(watermark, facts.settle())
        store = open_store()
        store.refresh_if_moved(now.changes)
        for view in selection.facts:
            uses.count(self.consumer(), view, NO_RELEASE)
        joined = historical.join(
            store,
            table,
            selection,
            as_of=release.known_at if release else None,
            min_confidence=self.limit(asked.get("min_confidence")),
        )
        headers = {"X-Aftercast-Watermark": iso_us(watermark)}
        return HttpResponse(
            historical.write_parquet(joined), content_type=historical.MEDIA_TYPE, headers=headers
        )


class ClientFolderView(FeaturesView):
    """The folder that makes the stock SDK a client."""

    access: ClassVar = {"GET": READ}
    content_negotiation_class: ClassVar[Any] = AnyAnswer  # type: ignore[misc]  # the stubs forget ClassVar

    @extend_schema(
        operation_id="features_client_folder",
        responses={
            (200, ZIP): OpenApiResponse(
                OpenApiTypes.BINARY, "feature_store.yaml, registry.db, README, snippet"
            ),
            304: OpenApiResponse(description="If-None-Match names the current ETag."),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        """A zip to unpack; the token is not in it. Changes when a release is pinned or unpinned."""
        content, etag = client_folder.build()
        if etag in request.headers.get("If-None-Match", "").replace("W/", ""):
            return HttpResponse(status=304, headers={"ETag": etag})
        headers = {"ETag": etag, "Content-Disposition": f'attachment; filename="{client_folder.FOLDER}.zip"'}
        return HttpResponse(content, content_type=ZIP, headers=headers)


class LineageView(FeaturesView):
    """From a value to what taught it."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="features_lineage",
        parameters=[
            OpenApiParameter("series", OpenApiTypes.STR, description="a profile's; or `service`"),
            OpenApiParameter("release", OpenApiTypes.INT, description="default: what is served now"),
            OpenApiParameter("service", OpenApiTypes.STR, description="whose history to trace, newest first"),
        ],
        responses={
            200: examples.shown("lineage", examples.LINEAGE),
            **examples.absent("Release 17 knows nothing of checkout/latency_p99.", "series"),
        },
    )
    def get(self, request: Request) -> Response:
        """For every value of a series under a release: insight, revision, signal, document, lines and
        excerpt. For a service: every row of its history, with what it changed."""
        if "service" in request.query_params and "series" not in request.query_params:
            return Response(lineage.trace_facts(**_checked(FactLineageSerializer, request.query_params)))
        asked = _checked(LineageSerializer, request.query_params)
        return Response(
            lineage.trace(
                series=asked["series"], release=asked.get("release"), min_confidence=self.limit(None)
            )
        )


def _query(request: Request) -> dict[str, Any]:
    plain: dict[str, Any] = request.query_params.dict()
    if "features" in plain:
        plain["features"] = request.query_params.getlist("features")
    return plain


def _checked(shape: type[Any], data: Any) -> dict[str, Any]:
    serializer = shape(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)

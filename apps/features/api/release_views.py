"""Releases over HTTP: list, look at, compare, pin and unpin. Reverting belongs to insights, which it
changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import Q
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED

from apps.accounts.door import Access, ApiView, keyset
from apps.accounts.models import Role
from apps.common.times import iso_us
from apps.features import pinning, waiting
from apps.features.models import FeatureUse, Pin, Release
from apps.features.names import pinned_service, pinned_view
from apps.features.releases import diff, get_release

from . import examples
from .serializers import ReleaseSerializer

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="features:read")
# A model pins what it was trained on; what its token may do was decided when it was issued.
WRITE = Access(
    scope="releases:write",
    roles={Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.ADMIN},
    services_too=True,
)
PAGE = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 200, default 50"),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="`next` of the page before"),
]


class ReleasesView(ApiView):
    """All releases, newest first."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="releases_list",
        parameters=PAGE,
        responses={200: examples.shown("page", {"items": [examples.RELEASE], "next": None})},
    )
    def get(self, request: Request) -> Response:
        """One page of releases; `served_at` is null while a release is being published."""
        page = keyset(Release.objects.all(), request, "-number")
        return Response({**page, "items": ReleaseSerializer(page["items"], many=True).data})


class ReleaseView(ApiView):
    """One release."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="releases_retrieve", responses={200: examples.shown("release", examples.RELEASE_DETAIL)}
    )
    def get(self, request: Request, number: int) -> Response:
        """A release with the series that it changed, its pin, and who reads it."""
        release = get_release(number)
        return Response(
            {
                **ReleaseSerializer(release).data,
                "rows_changed": list(release.rows.order_by("series").values("series", "version", "status")),
                "pin": _shown_pin(Pin.objects.filter(release=release).first()),
                "consumers": [
                    _shown_use(use) for use in FeatureUse.objects.filter(release=number).order_by("pk")
                ],
            }
        )


class ReleaseDiffView(ApiView):
    """Two releases compared."""

    access: ClassVar = {"GET": READ}

    @extend_schema(operation_id="releases_diff", responses={200: examples.shown("diff", examples.DIFF)})
    def get(self, request: Request, number: int, other: int) -> Response:
        """What changes from release `number` to release `other`, by series and column."""
        limit = self.token.min_confidence if self.token else None
        return Response({"from": number, "to": other, "series": diff(number, other, min_confidence=limit)})


class PinView(ApiView):
    """Keep a release readable."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="releases_pin",
        request=None,
        responses={
            200: examples.shown("pinned", examples.PIN, text="Readable as `detection__rN` now."),
            202: examples.shown(
                "waiting", {**examples.PIN, "served_at": None}, text="Accepted, readable soon."
            ),
        },
    )
    def post(self, request: Request, number: int) -> Response:
        """Pin release `number`: it stays readable as `detection__rN`. Waits up to ten seconds until it is."""
        pin = pinning.pin(number=number, author=self.person.username)
        return Response(_shown_pin(pin), status=200 if pin.served_at else 202)

    def after_commit(self, request: Request, response: Response) -> Response:
        """The worker needs a moment; most clients read right after. A stored answer is sent as it was."""
        if "Idempotent-Replay" in response or response.status_code != HTTP_202_ACCEPTED:
            return response
        number = int(response.data["release"])
        done = waiting.until(lambda: Pin.objects.filter(_settled, release_id=number).first())
        if done is None or done.served_at is None:
            return response
        return Response(_shown_pin(done), status=200, headers=dict(response.items()))


class UnpinView(ApiView):
    """Let a pinned release go."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="releases_unpin",
        request=None,
        responses={200: examples.shown("retiring", {**examples.PIN, "state": "retiring", "served_at": None})},
    )
    def post(self, request: Request, number: int) -> Response:
        """Retire the pin of release `number`; reading `detection__rN` fails from now on."""
        return Response(_shown_pin(pinning.unpin(number=number, author=self.person.username)))


# Readable, or let go meanwhile by someone else: nothing left to wait for.
_settled = Q(served_at__isnull=False) | ~Q(state=Pin.State.PINNED)


def _shown_pin(pin: Pin | None) -> dict[str, Any] | None:
    if pin is None:
        return None
    return {
        "release": pin.release_id,
        "feature_service": pinned_service(pin.release_id),
        "feature_view": pinned_view(pin.release_id),
        "state": pin.state,
        "served_at": iso_us(pin.served_at) if pin.served_at else None,
        "pinned_by": pin.pinned_by,
    }


def _shown_use(use: FeatureUse) -> dict[str, Any]:
    return {
        "consumer": use.consumer,
        "feature_service": use.feature_service,
        "reads": use.reads,
        "first_at": iso_us(use.first_at),
        "last_at": iso_us(use.last_at),
    }

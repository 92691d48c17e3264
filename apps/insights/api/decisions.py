"""The noes of review over HTTP, and what waits for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.response import Response

from apps.accounts.door import ApiView
from apps.insights import missteps, services, waiting

from . import examples
from .queue_serializers import DecisionSerializer, QueueSerializer
from .views import READ, WRITE, InsightView, shown

if TYPE_CHECKING:
    from rest_framework.request import Request

REASON = OpenApiExample(
    "reason",
    {"revision": 1, "reason": "The evening peak would be missed: use 1.5 times the threshold."},
    request_only=True,
)


class _Decision(InsightView):
    access: ClassVar = {}

    def decided(self, service: Any, request: Request, pk: int) -> Response:
        data = self.told(DecisionSerializer(data=request.data))
        service(insight_id=pk, reviewer=self.person, reason=data["reason"], seen=data.get("revision"))
        return Response(self.story(pk))


class InsightRequestChanges(_Decision):
    """Send an insight back to its author."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_request_changes",
        request=DecisionSerializer,
        examples=[REASON],
        responses={200: shown("sent back", examples.DECIDED)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask for changes to the newest revision; its author answers with a new one."""
        return self.decided(services.request_changes, request, pk)


class InsightReject(_Decision):
    """Say no to an insight."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_reject",
        request=DecisionSerializer,
        examples=[REASON],
        responses={200: shown("rejected", examples.REJECTED)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Reject the newest revision; what an earlier one serves stays served."""
        return self.decided(services.reject_insight, request, pk)


class InsightReopen(_Decision):
    """Take a no back."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_reopen",
        request=DecisionSerializer,
        examples=[REASON],
        responses={200: shown("reopened", examples.INSIGHT)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take back the no that stands: the revision waits for its approvals again."""
        return self.decided(services.reopen_insight, request, pk)


class QueueView(ApiView):
    """What waits for whom."""

    access: ClassVar = {"GET": READ}

    @extend_schema(
        operation_id="queue_read",
        responses={
            200: OpenApiResponse(
                QueueSerializer,
                f"At most {waiting.LIMIT} of each, the longest waiting first",
                [OpenApiExample("queue", examples.QUEUE, response_only=True)],
            )
        },
    )
    def get(self, request: Request) -> Response:
        """What waits for the caller to judge or to change, and what waits for others."""
        found = waiting.queue(self.person)
        near = missteps.near_revisions([*found.to_review, *found.to_change, *found.for_others])
        return Response(QueueSerializer(found, context={"missteps": near}).data)

"""Insights over HTTP: propose, judge, end, and revert what they became."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.models import Role
from apps.common.errors import NotFoundError
from apps.common.times import iso_us
from apps.insights import gating, missteps, services
from apps.insights.models import Insight, Revision

from . import examples
from .serializers import (
    ApproveSerializer,
    DraftSerializer,
    GateSerializer,
    InsightSerializer,
    MarksSerializer,
    ReasonSerializer,
    RevisionDraftSerializer,
)

if TYPE_CHECKING:
    from rest_framework.request import Request

READ = Access(scope="insights:read")
PEOPLE: set[str] = {Role.RESPONDER, Role.REVIEWER, Role.OPERATOR, Role.PROGRAMME_OWNER, Role.ADMIN}
WRITE = Access(scope="insights:write", roles=PEOPLE)


def shown(name: str, value: Any, *, text: str = "") -> OpenApiResponse:
    """A documented reply with its example."""
    return OpenApiResponse(InsightSerializer, text, [OpenApiExample(name, value, response_only=True)])


def free(name: str, value: Any, *, text: str = "") -> OpenApiResponse:
    """A documented reply of free form with its example."""
    schema = {"type": "object", "additionalProperties": True}
    return OpenApiResponse(schema, text, [OpenApiExample(name, value, response_only=True)])


class InsightView(ApiView):
    """What the views of one insight share."""

    def story(self, insight_id: int) -> dict[str, Any]:
        """The insight as the API shows it.

        Raises:
            NotFoundError: no such insight, or not for this reader.
        """
        insight = Insight.objects.visible_to(self.person).with_story().filter(pk=insight_id).first()
        if insight is None:
            raise NotFoundError(f"There is no insight {insight_id}.", field="id")
        return InsightSerializer(insight).data

    def told(self, serializer: Any) -> dict[str, Any]:
        """The body of the request, checked."""
        serializer.is_valid(raise_exception=True)
        data: dict[str, Any] = serializer.validated_data
        return data


class InsightList(InsightView):
    """All insights, newest first; propose one."""

    access: ClassVar = {"GET": READ, "POST": WRITE}

    @extend_schema(
        operation_id="insight_list", parameters=PAGE_PARAMETERS, responses={200: free("page", examples.PAGE)}
    )
    def get(self, request: Request) -> Response:
        """List insights by keyset: ?limit= and ?cursor=."""
        page = keyset(Insight.objects.visible_to(self.person).with_story(), request, "-id")
        newest = [
            revision
            for insight in page["items"]
            for revision in insight.revisions.all()
            if revision.number == insight.revision
        ]
        context = {"missteps": missteps.near_revisions(newest)}
        items = [InsightSerializer(insight, context=context).data for insight in page["items"]]
        return Response({**page, "items": items})

    @extend_schema(
        operation_id="insight_propose",
        request=DraftSerializer,
        examples=[OpenApiExample("proposal", examples.PROPOSAL, request_only=True)],
        responses={201: shown("proposed", examples.INSIGHT, text="Filed, with its gate's verdict")},
    )
    def post(self, request: Request) -> Response:
        """Propose an insight; its gate runs at once on the training slice."""
        serializer = DraftSerializer(data=request.data)
        self.told(serializer)
        insight = services.propose_insight(draft=serializer.draft(self.person), author=self.person)
        return Response(self.story(insight.pk), status=201)


class InsightDetail(InsightView):
    """One insight with everything that decided about it."""

    access: ClassVar = {"GET": READ}

    @extend_schema(operation_id="insight_read", responses={200: shown("insight", examples.INSIGHT)})
    def get(self, request: Request, pk: int) -> Response:
        """Read one insight."""
        return Response(self.story(pk))


class InsightRevise(InsightView):
    """Append a revision."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_revise",
        request=RevisionDraftSerializer,
        examples=[
            OpenApiExample(
                "narrower",
                {"revision": 1, "signals": [{"kind": "theta_scale", "value": 0.5}]},
                request_only=True,
            )
        ],
        responses={200: shown("revised", {**examples.INSIGHT, "revision": 2})},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Change what an insight says; what is served stays until the new revision is approved."""
        serializer = RevisionDraftSerializer(data=request.data)
        data = self.told(serializer)
        old = Revision.objects.filter(insight__in=Insight.objects.visible_to(self.person), insight=pk).last()
        if old is None:
            raise NotFoundError(f"There is no insight {pk}.", field="id")
        services.revise_insight(
            insight_id=pk,
            draft=serializer.draft_on(old, self.person),
            author=self.person,
            seen=data.get("revision", old.number),
        )
        return Response(self.story(pk))


class InsightApprove(InsightView):
    """Say yes to the newest revision."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_approve",
        request=ApproveSerializer,
        examples=[
            OpenApiExample("plain", {"revision": 1}, request_only=True),
            OpenApiExample(
                "override",
                {
                    "revision": 1,
                    "override_reason": "No labelled incident yet; agreed with the service's owner.",
                },
                request_only=True,
            ),
        ],
        responses={
            200: shown(
                "approved", examples.APPROVED, text="`release` is the new release once the rule is complete"
            )
        },
    )
    def post(self, request: Request, pk: int) -> Response:
        """Approve; the second of two people, one of them an operator, makes the release."""
        data = self.told(ApproveSerializer(data=request.data))
        services.approve_insight(
            insight_id=pk,
            approver=self.person,
            seen=data.get("revision"),
            override_reason=data["override_reason"],
            comment=data["comment"],
            marks=data.get("scores"),
            missteps_read=data["missteps_read"],
        )
        return Response(self.story(pk))


class InsightWithdraw(InsightView):
    """Stop serving an insight."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_withdraw",
        request=ReasonSerializer,
        examples=[OpenApiExample("reason", {"reason": "It hid a real incident."}, request_only=True)],
        responses={200: shown("withdrawn", examples.WITHDRAWN)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Withdraw an insight; if it was served, a release says so."""
        data = self.told(ReasonSerializer(data=request.data))
        services.withdraw_insight(insight_id=pk, actor=self.person, reason=data["reason"])
        return Response(self.story(pk))


class InsightScores(InsightView):
    """Mark an insight by the rubric."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_score",
        request=MarksSerializer,
        responses={200: shown("scored", examples.INSIGHT)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Give relevance, timeliness, breadth and actionability a mark from 1 to 5."""
        data = self.told(MarksSerializer(data=request.data))
        services.score_insight(insight_id=pk, rater=self.person, marks=data, seen=data.get("revision"))
        return Response(self.story(pk))


class InsightGate(InsightView):
    """Run the backtest again."""

    access: ClassVar = {"POST": WRITE}

    @extend_schema(
        operation_id="insight_gate",
        request=None,
        responses={200: OpenApiResponse(GateSerializer, examples=[OpenApiExample("gate", examples.GATE)])},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Backtest the newest revision on the training slice as it is now."""
        return Response(GateSerializer(services.rerun_gate(insight_id=pk, actor=self.person)).data)


class InsightDryRun(InsightView):
    """What the signals would do to past telemetry."""

    access: ClassVar = {"GET": READ}

    @extend_schema(operation_id="insight_dry_run", responses={200: free("dry run", examples.DRY_RUN)})
    def get(self, request: Request, pk: int) -> Response:
        """The columns that the newest revision sets, and per series the alarms with and without them."""
        revision = Revision.objects.filter(
            insight__in=Insight.objects.visible_to(self.person), insight=pk
        ).last()
        if revision is None:
            raise NotFoundError(f"There is no insight {pk}.", field="id")
        return Response(gating.dry_run(revision))


class ReleaseRevert(ApiView):
    """Bring earlier content back."""

    access: ClassVar = {"POST": Access(scope="releases:write", roles={Role.OPERATOR, Role.ADMIN})}

    @extend_schema(
        operation_id="release_revert",
        request=ReasonSerializer,
        examples=[
            OpenApiExample("reason", {"reason": "Release 5 doubled the pages at night."}, request_only=True)
        ],
        responses={201: free("reverted", examples.REVERTED, text="The new release with the old content")},
    )
    def post(self, request: Request, number: int) -> Response:
        """Append a release with the content of release `number`."""
        serializer = ReasonSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        release = services.revert_release(
            number=number, actor=self.person, reason=serializer.validated_data["reason"]
        )
        body = {
            "number": release.number,
            "kind": release.kind,
            "reverted_to": number,
            "known_at": iso_us(release.known_at),
            "served_at": None,
            "digest": release.digest,
            "reason": release.reason,
        }
        return Response(body, status=201)

"""Small API views whose effect a test can count."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpResponse
from django.urls import path
from rest_framework.response import Response

from apps.accounts.door import Access, ApiView, keyset
from apps.accounts.models import Role, Team
from apps.audit import ledger
from apps.common.errors import DomainError

if TYPE_CHECKING:
    from django.http import HttpResponseBase
    from rest_framework.request import Request

entered = threading.Event()
may_leave = threading.Event()
after: list[int] = []


class TeamsView(ApiView):
    """POST makes a team, then does what the body says."""

    access: ClassVar = {"GET": Access(scope="catalog:read"), "POST": Access(scope="changes:write")}

    def get(self, request: Request) -> Response:
        page = keyset(Team.objects.all(), request, request.query_params.getlist("order") or ["slug"])
        return Response({**page, "items": [team.slug for team in page["items"]]})

    def post(self, request: Request) -> HttpResponseBase:
        body: Any = request.data
        team = Team.objects.create(slug=body["slug"], name="x")
        if body.get("do") == "wait":
            entered.set()
            may_leave.wait(20)
        if body.get("do") == "break":
            raise ZeroDivisionError
        if body.get("do") == "refuse":
            raise DomainError("No.", field="slug")
        if body.get("do") == "record":
            ledger.record(actor=self.person.username, action="made", object_type="team", object_id=team.pk)
        if body.get("do") == "return":
            return Response({"no": "thanks"}, status=409)
        if body.get("do") == "bytes":
            return HttpResponse(b"\x00\xff", status=201, content_type="application/octet-stream")
        if body.get("do") == "empty":
            return Response(status=204)
        return Response({"id": team.pk, "slug": team.slug}, status=201)

    def after_commit(self, request: Request, response: Response) -> Response:
        after.append(Team.objects.count())
        return response


class GuardedView(ApiView):
    access: ClassVar = {"GET": Access(scope="insights:read", roles={Role.OPERATOR, Role.ADMIN})}

    def get(self, request: Request) -> Response:
        return Response({"who": self.person.username, "token": self.token.name if self.token else None})


class ReportView(ApiView):
    access: ClassVar = {
        "GET": Access(scope="alerts:write", roles={Role.OPERATOR}, services_too=True),
    }

    def get(self, request: Request) -> Response:
        return Response({"who": self.person.username})


urlpatterns = [
    path("api/teams", TeamsView.as_view()),
    path("api/guarded", GuardedView.as_view()),
    path("api/report", ReportView.as_view()),
]
handler404 = "apps.common.problems.not_found"
handler500 = "apps.common.problems.server_error"

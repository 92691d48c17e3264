"""Who may feed series and labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.exceptions import PermissionDenied

from apps.accounts.door import ApiView
from apps.accounts.models import Role

if TYPE_CHECKING:
    from rest_framework.request import Request

FEEDERS = (Role.RESPONDER, Role.OPERATOR, Role.ADMIN)


class FeedView(ApiView):
    """A service account feeds by the scope of its token alone; a person needs a role as well."""

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        feeding = request.method == "POST"
        if feeding and not self.person.is_service and not self.person.has_role(*FEEDERS):
            raise PermissionDenied(f"This needs one of the roles: {', '.join(FEEDERS)}.", code="role_missing")

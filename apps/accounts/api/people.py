"""People and teams over HTTP, for administrators' scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from apps.accounts.door import PAGE_PARAMETERS, Access, ApiView, keyset
from apps.accounts.inputs import StrictSerializer
from apps.accounts.models import Role, Team, User
from apps.accounts.people import create_person
from apps.common.errors import InvalidInputError

if TYPE_CHECKING:
    from rest_framework.request import Request

ADMINISTRATION = Access(scope="api", roles={Role.ADMIN})
PERSON: dict[str, Any] = {
    "id": 7,
    "username": "robin",
    "name": "Robin Vogel",
    "email": "robin@example.org",
    "is_service": False,
    "is_active": True,
    "roles": ["responder"],
    "teams": ["payments"],
}
WISH = {"username": "checkout-detector", "roles": [], "team": "payments", "is_service": True}


class PersonInput(StrictSerializer):
    username = serializers.CharField(max_length=150)
    email = serializers.EmailField(default="", allow_blank=True)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=Role.choices), default=list, max_length=len(Role.values)
    )
    team = serializers.SlugField(required=False, allow_null=True, help_text="short name of a team")
    is_service = serializers.BooleanField(default=False)


class PersonSerializer(serializers.ModelSerializer[User]):
    name = serializers.CharField(read_only=True)
    roles = serializers.SerializerMethodField()
    teams = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ["id", "username", "name", "email", "is_service", "is_active", "roles", "teams"]
        read_only_fields = fields

    def get_roles(self, row: User) -> list[str]:
        return sorted(grant.role for grant in row.role_grants.all())

    def get_teams(self, row: User) -> list[str]:
        return sorted(membership.team.slug for membership in row.memberships.all())


class PersonPageSerializer(serializers.Serializer[dict[str, object]]):
    items = PersonSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class TeamSerializer(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["slug", "name"]
        read_only_fields = fields


class TeamPageSerializer(serializers.Serializer[dict[str, object]]):
    items = TeamSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PeopleView(ApiView):
    access: ClassVar = {"GET": ADMINISTRATION, "POST": ADMINISTRATION}

    @extend_schema(
        operation_id="people_list",
        summary="People and service accounts, by user name",
        parameters=PAGE_PARAMETERS,
        responses=PersonPageSerializer,
        examples=[OpenApiExample("page", {"items": [PERSON], "next": None}, response_only=True)],
    )
    def get(self, request: Request) -> Response:
        people = User.objects.prefetch_related("role_grants", "memberships__team")
        page = keyset(people, request, "username")
        return Response({**page, "items": PersonSerializer(page["items"], many=True).data})

    @extend_schema(
        operation_id="people_create",
        summary="Make an account without a password: people choose theirs by mail, programs show a token",
        request=PersonInput,
        responses={201: PersonSerializer},
        examples=[
            OpenApiExample("wish", WISH, request_only=True),
            OpenApiExample("made", PERSON, response_only=True, status_codes=["201"]),
        ],
    )
    def post(self, request: Request) -> Response:
        given = PersonInput(data=request.data)
        given.is_valid(raise_exception=True)
        wish = given.validated_data
        person = create_person(
            username=wish["username"],
            email=wish["email"],
            roles=wish["roles"],
            team=_team(wish.get("team")),
            is_service=wish["is_service"],
            actor=self.person.username,
        )
        return Response(PersonSerializer(person).data, status=201)


class TeamsView(ApiView):
    access: ClassVar = {"GET": Access(scope="catalog:read")}

    @extend_schema(
        operation_id="teams_list",
        summary="Teams, by short name",
        parameters=PAGE_PARAMETERS,
        responses=TeamPageSerializer,
        examples=[
            OpenApiExample(
                "page",
                {"items": [{"slug": "payments", "name": "Payments"}], "next": None},
                response_only=True,
            )
        ],
    )
    def get(self, request: Request) -> Response:
        page = keyset(Team.objects.all(), request, "slug")
        return Response({**page, "items": TeamSerializer(page["items"], many=True).data})


def _team(slug: str | None) -> Team | None:
    if slug is None:
        return None
    team = Team.objects.filter(slug=slug).first()
    if team is None:
        raise InvalidInputError(f"There is no team {slug}.", field="team")
    return team

"""The administrator's pages of teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.db.models import Count
from django.shortcuts import get_object_or_404, redirect, render

from apps.accounts import teams
from apps.accounts.forms import MemberForm, TeamForm
from apps.accounts.models import Team, User
from apps.accounts.pages import ADMINS, AuthedRequest, listing, page
from apps.common.errors import DomainError
from apps.ui.forms import add_domain_error

if TYPE_CHECKING:
    from django.http import HttpResponse


@page(get=ADMINS, post=ADMINS)
def list_teams(request: AuthedRequest) -> HttpResponse:
    """All teams, and a form for another."""
    form = TeamForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            team = teams.create(name=form.cleaned_data["name"], actor=request.user.username)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"The team {team.name} is made. Add its members.")
            return redirect("accounts:team", team.slug)
    found = listing(request, Team.objects.annotate(size=Count("memberships")), "slug")
    context = {"form": form, "teams": found.items, "next_url": found.next_url}
    return render(request, "accounts/teams.html", context, status=422 if form.errors else 200)


@page(get=ADMINS, post=ADMINS)
def show_team(request: AuthedRequest, slug: str) -> HttpResponse:
    """The members; a POST renames the team."""
    team = get_object_or_404(Team, slug=slug)
    form = TeamForm(request.POST if request.method == "POST" else None, initial={"name": team.name})
    if request.method == "POST" and form.is_valid():
        try:
            teams.rename(slug=slug, name=form.cleaned_data["name"], actor=request.user.username)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, "The team is renamed.")
            return redirect("accounts:team", slug)
    return _team_page(request, team, form=form)


@page(get=None, post=ADMINS)
def add_member(request: AuthedRequest, slug: str) -> HttpResponse:
    """Take somebody in, by user name."""
    team = get_object_or_404(Team, slug=slug)
    form = MemberForm(request.POST)
    if form.is_valid():
        try:
            teams.add_member(slug=slug, username=form.cleaned_data["username"], actor=request.user.username)
        except DomainError as error:
            add_domain_error(form, error)
        else:
            messages.success(request, f"{form.cleaned_data['username']} is in the team.")
            return redirect("accounts:team", slug)
    return _team_page(request, team, member_form=form)


@page(get=None, post=ADMINS)
def remove_member(request: AuthedRequest, slug: str, pk: int) -> HttpResponse:
    """Let somebody out of the team."""
    teams.remove_member(slug=slug, person_id=pk, actor=request.user.username)
    messages.success(request, "The member is removed.")
    return redirect("accounts:team", slug)


def _team_page(
    request: AuthedRequest, team: Team, *, form: TeamForm | None = None, member_form: MemberForm | None = None
) -> HttpResponse:
    found = listing(request, User.objects.filter(memberships__team=team), "username")
    rename = form or TeamForm(initial={"name": team.name})
    faulty = next((bound for bound in (form, member_form) if bound is not None and bound.errors), None)
    context = {
        "team": team,
        "form": rename,
        "member_form": member_form or MemberForm(),
        "faulty": faulty,
        "members": found.items,
        "next_url": found.next_url,
    }
    return render(request, "accounts/team.html", context, status=422 if faulty else 200)

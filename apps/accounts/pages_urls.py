"""Pages for people about people; `urls.py` holds the setup page, whose name stands in no namespace."""

from __future__ import annotations

from django.urls import path

from .views import invitations, me, passwords, people, signing, teams

app_name = "accounts"
urlpatterns = [
    path("sign-in", signing.SignIn.as_view(), name="sign-in"),
    path("sign-in/as", signing.sign_in_as, name="sign-in-as"),
    path("sign-out", signing.sign_out, name="sign-out"),
    path("password-reset", passwords.ask, name="password-reset"),
    path("password-reset/sent", passwords.sent, name="password-reset-sent"),
    path("password-reset/<str:uidb64>/<str:token>", passwords.Choose.as_view(), name="password-reset-link"),
    path("invitation/<str:token>", invitations.accept, name="invitation"),
    path("me", me.me, name="me"),
    path("me/password", passwords.change, name="password"),
    path("me/tokens", me.my_tokens, name="tokens"),
    path("me/tokens/<int:token_id>/revoke", me.revoke_token, name="token-revoke"),
    path("admin/people", people.list_people, name="people"),
    path("admin/people/invite", invitations.invite, name="invite"),
    path("admin/people/service-account", people.new_service_account, name="service-account"),
    path("admin/people/<int:pk>", people.show_person, name="person"),
    path("admin/people/<int:pk>/roles", people.assign_roles, name="person-roles"),
    path("admin/people/<int:pk>/deactivate", people.deactivate, name="person-deactivate"),
    path("admin/people/<int:pk>/reactivate", people.reactivate, name="person-reactivate"),
    path("admin/people/<int:pk>/tokens", people.make_token, name="person-token"),
    path(
        "admin/people/<int:pk>/tokens/<int:token_id>/revoke", people.revoke_token, name="person-token-revoke"
    ),
    path("admin/invitations/<int:pk>/send", invitations.send_again, name="invitation-send"),
    path("admin/invitations/<int:pk>/withdraw", invitations.withdraw, name="invitation-withdraw"),
    path("admin/teams", teams.list_teams, name="teams"),
    path("admin/teams/<slug:slug>", teams.show_team, name="team"),
    path("admin/teams/<slug:slug>/members", teams.add_member, name="team-add"),
    path("admin/teams/<slug:slug>/members/<int:pk>/remove", teams.remove_member, name="team-remove"),
]

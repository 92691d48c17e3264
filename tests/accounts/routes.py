"""Who may use the pages of this room; its API routes stand in `test_matrix.py`."""

from __future__ import annotations

from tests.classified import ADMINS, ANYBODY, Page

ADMINISTRATION = Page(get=ADMINS, post=ADMINS)
ADMIN_POST = Page(get=None, post=ADMINS)
PAGES: dict[str, str | Page] = {
    "sign-in": "public",
    "sign-in/as": "public",  # 404 unless the installation is a demo
    "sign-out": Page(get=None, post=ANYBODY),
    "password-reset": "public",
    "password-reset/sent": "public",
    "password-reset/<str:uidb64>/<str:token>": "public",  # the link is the secret
    "invitation/<str:token>": "public",  # the link is the secret
    "me": Page(get=ANYBODY, post=ANYBODY),
    "me/password": Page(get=ANYBODY, post=ANYBODY),
    "me/tokens": Page(get=ANYBODY, post=ANYBODY),
    "me/tokens/<int:token_id>/revoke": Page(get=None, post=ANYBODY),
    "admin/people": Page(get=ADMINS),
    "admin/people/invite": ADMINISTRATION,
    "admin/people/service-account": ADMINISTRATION,
    "admin/people/<int:pk>": Page(get=ADMINS),
    "admin/people/<int:pk>/roles": ADMIN_POST,
    "admin/people/<int:pk>/deactivate": ADMIN_POST,
    "admin/people/<int:pk>/reactivate": ADMIN_POST,
    "admin/people/<int:pk>/tokens": ADMIN_POST,
    "admin/people/<int:pk>/tokens/<int:token_id>/revoke": ADMIN_POST,
    "admin/invitations/<int:pk>/send": ADMIN_POST,
    "admin/invitations/<int:pk>/withdraw": ADMIN_POST,
    "admin/teams": ADMINISTRATION,
    "admin/teams/<slug:slug>": ADMINISTRATION,
    "admin/teams/<slug:slug>/members": ADMIN_POST,
    "admin/teams/<slug:slug>/members/<int:pk>/remove": ADMIN_POST,
}

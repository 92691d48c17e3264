"""Every page that a role can reach by links is well, seen by crawling.

The responder's are looked at on screens and phones, light and dark; those of the others on phones, where most
breaks. `poe screenshots` looks at all of them in every way, and at more pages of a route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .cast import ROLES
from .crawl import crawl
from .looking import SCHEMES, WIDTHS

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.blackbox.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(1200)]

LOOKED_AT = ("stranger", "viewer", "responder", "reviewer", "operator", "admin")


@pytest.mark.parametrize("role", LOOKED_AT)
def test_every_page_of_a_role_looks_well(browser: Browser, shop: Installation, role: str) -> None:
    whole = role == "responder"
    found = crawl(
        browser,
        shop.url,
        role,
        ROLES[role],
        None,
        samples=(1, 1),
        widths=WIDTHS if whole else WIDTHS[-1:],
        schemes=SCHEMES if whole else SCHEMES[:1],
    )
    assert {seen.url: seen.problems for seen in found if seen.problems} == {}
    routes = {seen.route for seen in found}
    assert len(routes) > (0 if role == "stranger" else 20), routes

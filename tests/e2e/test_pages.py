"""Every page that a role can reach by links is well: seen by crawling, at two widths, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .cast import ROLES
from .crawl import crawl

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.blackbox.installation import Installation

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(600)]

LOOKED_AT = ("stranger", "viewer", "responder", "reviewer", "operator", "admin")


@pytest.mark.parametrize("role", LOOKED_AT)
def test_every_page_of_a_role_looks_well(browser: Browser, shop: Installation, role: str) -> None:
    found = crawl(browser, shop.url, role, ROLES[role], None, samples=(1, 1))
    assert {seen.url: seen.problems for seen in found if seen.problems} == {}
    routes = {seen.route for seen in found}
    assert len(routes) > (0 if role == "stranger" else 20), routes

"""This room's pages, for the test of all routes."""

from __future__ import annotations

from tests.classified import PINNERS, Page

PAGES = {
    "releases": Page(),
    "releases/<int:number>": Page(),
    "releases/<int:number>/compare/<int:other>": Page(),
    "releases/<int:number>/pin": Page(get=None, post=PINNERS),
    "releases/<int:number>/unpin": Page(get=None, post=PINNERS),
    "consumers": Page(),
}

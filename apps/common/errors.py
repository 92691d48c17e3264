"""Errors that a user may read, mapped once to HTTP and once to pages."""

from __future__ import annotations

from typing import ClassVar, TypeVar

T = TypeVar("T")


class DomainError(Exception):
    """A rule said no. `detail` is safe to show; `field` names the input at fault; `remedy` says what to do.

    Subclasses set `code` (stable, part of the API), `status` (HTTP) and, where a field has a finer code than
    the request as a whole, `reason`.
    """

    code: ClassVar[str] = "conflict"
    status: ClassVar[int] = 409
    reason: ClassVar[str | None] = None

    def __init__(self, detail: str, *, field: str | None = None, remedy: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field
        self.remedy = remedy


class InvalidInputError(DomainError):
    """The request does not have the form or the values that it needs."""

    code = "invalid_input"
    status = 422


class NotFoundError(DomainError):
    """No such thing, or not for this reader: the two look alike on purpose."""

    code = "not_found"
    status = 404


class ForbiddenError(DomainError):
    """The caller is known and may not do this."""

    code = "forbidden"
    status = 403


def require(value: T | None, what: str) -> T:
    """Narrow an optional value, without `assert` (services may run under `python -O`).

    Raises:
        RuntimeError: `value` is None, which `what` says cannot happen.
    """
    if value is None:
        raise RuntimeError(f"{what} is missing")
    return value

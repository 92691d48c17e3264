"""What an operator can mend, with the mending."""

from __future__ import annotations


class EmbeddedError(Exception):
    """Something outside the code stands in the way. `remedy` says what to do."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


class NoPostgresError(EmbeddedError):
    """No usable PostgreSQL binaries on this machine."""


class WrongVersionError(EmbeddedError):
    """The data folder was made by another major version of PostgreSQL."""


class FolderError(EmbeddedError):
    """The data folder cannot be made or written."""


class PortTakenError(EmbeddedError):
    """Something else listens on the port."""


class AlreadyRunningError(EmbeddedError):
    """Another `up` owns this data folder."""


class StartError(EmbeddedError):
    """A process did not become ready."""

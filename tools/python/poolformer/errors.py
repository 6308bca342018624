# What goes wrong in the engine, as exceptions.
# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import enum


class Status(enum.IntEnum):
    """pf_status of poolformer.h, with its numbers."""

    OK = 0
    INVALID_ARGUMENT = 1
    FILE_ERROR = 2
    INVALID_MODEL = 3
    UNSUPPORTED = 4
    OUT_OF_MEMORY = 5
    BUSY = 6
    INTERNAL = 7
    CANCELLED = 8
    DEADLINE_EXCEEDED = 9


class Error(Exception):
    """What the engine refused or could not do; `status` is the kind, a Status.

    Two kinds are Python's own exceptions instead: ValueError for an argument that cannot be,
    MemoryError when memory has run out or the system starts no more threads.
    """

    def __init__(self, message: str, status: Status):
        super().__init__(message, status)
        self.status = status

    def __str__(self) -> str:
        return str(self.args[0])


class Busy(Error):
    """The session is running already, in another thread."""


class Cancelled(Error):
    """Session.cancel was called during the run."""


class DeadlineExceeded(Error):
    """The run took longer than its timeout."""


_CLASSES = {
    Status.BUSY: Busy,
    Status.CANCELLED: Cancelled,
    Status.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def error_of(status: int, message: bytes) -> Exception:
    """The exception for a status; the extension raises it."""
    kind, text = Status(status), message.decode(errors="replace")
    if kind is Status.INVALID_ARGUMENT:
        return ValueError(text)
    if kind is Status.OUT_OF_MEMORY:
        return MemoryError(text)
    return _CLASSES.get(kind, Error)(text, kind)

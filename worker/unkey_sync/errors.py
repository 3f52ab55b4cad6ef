"""Errors are named after what the loop does next, not after the accident.

SyncError                 what the loop does
├── Retry                 transient: again with backoff                timeouts, 5xx, connection reset, lock busy
│   └── Unknown           the call may have happened: read back first  anything after the request was sent
├── RetryAt(when)         told when: again at that time                429 with a reset, open circuit
├── Relink                remote lost it: forget the id, rebuild       404 on an id from our ledger, after settling
├── Adopt                 remote already has it: take its id           409 on create
├── Park                  this subject cannot work, others can         400 on our own request, unknown plan
├── LostLease             somebody else works on it: drop everything   fence moved, lease ran out
└── Stop                  nobody can work: halt and shout              401/403 root key, schema newer than code

The class docstring is the operator's sentence; the instance carries what happened. No message ever holds a
secret, an e-mail address, a name or a payload.
"""

from __future__ import annotations


class SyncError(Exception):
    """Something went wrong."""

    code = "error"

    def __init__(self, message: str = "", *, operation: str = "", request_id: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip())
        self.operation = operation
        self.request_id = request_id


class Retry(SyncError):  # noqa: N818
    """A passing failure; it is tried again with backoff."""

    code = "retry"


class Unknown(Retry):
    """A call was sent and its answer did not come; Unkey is read back before anything is repeated."""

    code = "unknown_outcome"


class RetryAt(SyncError):  # noqa: N818
    """Unkey asked for a pause; work goes on when it is over."""

    code = "retry_at"

    def __init__(
        self, message: str = "", *, after_s: float, operation: str = "", request_id: str = ""
    ) -> None:
        super().__init__(message, operation=operation, request_id=request_id)
        self.after_s = after_s
        """Seconds from now."""


class Relink(SyncError):  # noqa: N818
    """Unkey no longer has an object that the ledger names; it is looked up or made again."""

    code = "relink"


class Adopt(SyncError):  # noqa: N818
    """Unkey already has this object; it is taken over instead of made again."""

    code = "adopt"


class Park(SyncError):  # noqa: N818
    """This subject cannot be processed as things are; it is put aside and blocks nobody else."""

    code = "parked"


class LostLease(SyncError):  # noqa: N818
    """Another worker has taken this subject over; what was in hand is dropped unrecorded."""

    code = "lost_lease"


class Stop(SyncError):  # noqa: N818
    """Nothing can work until a person changes the configuration; all work waits and nothing is lost."""

    code = "stop"


class ConfigError(SyncError):
    """The configuration cannot be used. The message names file, line, key and the remedy."""

    code = "config"

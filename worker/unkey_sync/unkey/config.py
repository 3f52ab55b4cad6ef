"""What the Unkey client must be told. Reads no environment: settings hands the values in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from unkey_sync.errors import ConfigError

if TYPE_CHECKING:
    from unkey_sync.unkey.secret import SecretText

ROOT_KEY = re.compile(r"[!-~]{1,512}")
BASE_URL = re.compile(r"https?://[A-Za-z0-9.\-_:\[\]]+(/[A-Za-z0-9._~\-/]*)?")
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class UnkeyConfig:
    """Names end in their unit. Raises `ConfigError` when a value cannot be used.

    The write deadline is above 20 s: Unkey's server may work on a write that long, and giving up earlier
    leaves keys behind that nobody knows. A call with all its retries never takes longer than its deadline.
    """

    root_key: SecretText = field(repr=False)
    api_id: str = ""
    base_url: str = "https://api.unkey.com"
    connect_s: float = 5.0
    pool_s: float = 10.0
    """How long a call waits for a free connection before it counts as not sent."""
    read_deadline_s: float = 15.0
    write_deadline_s: float = 25.0
    attempts: int = 3
    backoff_s: float = 0.1
    """The first pause between attempts; it doubles, and a random share is taken off."""
    max_answer_bytes: int = 8 * MIB
    max_lanes: int = 64
    page_size: int = 100

    def __post_init__(self) -> None:
        if not ROOT_KEY.fullmatch(self.root_key.reveal()):
            raise ConfigError(
                "the Unkey root key is empty or holds blanks or control characters; set UNKEY_ROOT_KEY"
            )
        if not BASE_URL.fullmatch(self.base_url):
            raise ConfigError("the Unkey base URL must look like https://api.unkey.com; set UNKEY_BASE_URL")
        if not 1 <= self.page_size <= 100:
            raise ConfigError("the Unkey page size must be between 1 and 100")
        if self.attempts < 1 or self.max_lanes < 1:
            raise ConfigError("attempts and max_lanes must be at least 1")

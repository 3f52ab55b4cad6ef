"""All settings as frozen values, nested by concern.

What they mean, their defaults and limits; not where they come from.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path  # noqa: TC003  -- pydantic reads it at run time
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from unkey_sync.settings.queues import QueueSettings  # noqa: TC001  -- pydantic reads it at run time

SECRET_KEY_BYTES = 32

_NAME = r"^[a-z0-9][a-z0-9_-]{0,62}$"
Seconds = Annotated[float, Field(ge=0.1, le=86_400)]


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:  # its text may quote the URL
        return None


def _origin(url: str) -> str:
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be an http(s) URL such as https://api.example.com")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must not hold a user, a password, a query or a fragment")
    return url.rstrip("/")


def _database(url: SecretStr) -> SecretStr:
    scheme = url.get_secret_value().partition("://")[0].partition("+")[0]
    if scheme not in ("postgresql", "postgres", "sqlite"):
        raise ValueError("must begin with postgresql:// or sqlite:///")
    return url


def _broker(url: SecretStr) -> SecretStr:
    scheme, separator, _ = url.get_secret_value().partition("://")
    if not separator or scheme not in ("redis", "rediss", "amqp", "amqps", "memory"):
        raise ValueError("must begin with redis://, rediss://, amqp://, amqps:// or memory://")
    return url


def _secret_key(key: SecretStr) -> SecretStr:
    decode_secret_key(key.get_secret_value())
    return key


def _filled(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():
        raise ValueError("must not be empty")
    return secret


def _upper(text: object) -> object:
    return text.upper() if isinstance(text, str) else text


def decode_secret_key(text: str) -> bytes:
    """The key's 32 bytes. Raises `ValueError` without quoting the key."""
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != SECRET_KEY_BYTES:
        raise ValueError("must be base64 of exactly 32 bytes (make one with: openssl rand -base64 32)")
    return key


Origin = Annotated[str, AfterValidator(_origin)]
Secret = Annotated[SecretStr, AfterValidator(_filled)]


class Section(BaseModel):
    """Frozen; unknown keys are errors; a failed validation never quotes its input."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class UnkeySettings(Section):
    """The Unkey workspace that is kept in step."""

    root_key: Secret | None = Field(
        default=None, description="Unkey root key. Without one, `dev` and `demo` start the sandbox."
    )
    base_url: Origin = Field(
        default="https://api.unkey.com", description="Unkey API, an origin without a version path."
    )
    api_id: str | None = Field(default=None, description="API in which keys are created.")
    migration_id: str | None = Field(
        default=None, description="Key migration (sha256) that Unkey gave out, for slots of strategy migrate."
    )


class DatabaseSettings(Section):
    """The ledger."""

    url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        default=None,
        description="postgresql://... or sqlite:///... Default: a SQLite file in the state folder.",
    )


class BrokerSettings(Section):
    """The way of the wake-ups."""

    url: Annotated[SecretStr, AfterValidator(_broker)] = Field(
        default=SecretStr("memory://"), description="redis://..., amqp://... or memory:// (one process)."
    )


class WebSettings(Section):
    """The HTTP side."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address on which a role listens.")
    port: int = Field(
        default=8787, ge=0, le=65_535, description="Port on which a role listens; 0 takes any free one."
    )
    probe_port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="Port of worker, scheduler and consumer for /metrics and probes. Default: they do not listen.",
    )
    admin_token: Secret | None = Field(
        default=None,
        description="Opens dashboard and admin API; without it both are off. `dev` makes one.",
    )
    body_limit_bytes: int = Field(
        default=1_048_576, ge=1024, le=67_108_864, description="Largest webhook body, in bytes."
    )
    max_connections: int = Field(default=4096, ge=1, le=65_535, description="Most clients connected at once.")
    drain_s: int = Field(
        default=10, ge=0, le=600, description="Seconds that a shutdown waits for open requests."
    )


class TimingSettings(Section):
    """Pace of the engine, in seconds."""

    sweep_interval_s: Seconds = Field(
        default=5, description="Seconds between looks for subjects that are due."
    )
    lease_s: Seconds = Field(
        default=60, description="Seconds after which a silent worker's subjects are taken over."
    )
    retry_base_s: Seconds = Field(
        default=1, description="Seconds before the first retry; later ones back off from it."
    )
    settle_s: Seconds = Field(
        default=30, description="Seconds for which Unkey may still show a state from before a call."
    )

    @property
    def in_flight_s(self) -> float:
        """Longer than work takes whose first worker died: what is not so by then is not under way."""
        return 2 * self.lease_s + self.settle_s


_CONNECTOR_OPTIONS = {"preset", "verify", "envelope", "rules"}


class SourceSettings(Section):
    """One auth or billing system. Without a webhook secret it has no endpoint."""

    kind: str = Field(min_length=1, description="Connector, e.g. clerk or stripe.")
    webhook_secrets: tuple[Secret, ...] = Field(
        default=(),
        description="Signing secrets, any one is enough; or env:NAME and file:/path.",
    )
    api_key: Secret | None = Field(
        default=None, description="Key for the source's API: fetch, backfill, catch-up."
    )
    api_base: Origin | None = Field(
        default=None, description="The source's API, an origin without a version path."
    )
    tolerance_s: int = Field(
        default=300, ge=1, le=86_400, description="Seconds a signed timestamp may be off, both ways."
    )
    account: str = Field(
        default="", description="Accept only events of this instance or mode; empty accepts any."
    )
    preset: str | None = Field(
        default=None,
        min_length=1,
        description="Generic sources: what is known of a vendor, e.g. lemon-squeezy.",
    )
    verify: dict[str, Any] = Field(
        default_factory=dict, description="Generic sources: how a delivery proves where it comes from."
    )
    envelope: dict[str, Any] = Field(
        default_factory=dict, description="Generic sources: where an event's id, type and time are."
    )
    rules: dict[str, Any] = Field(
        default_factory=dict, description="Generic sources: what each event says about which entity."
    )

    @property
    def options(self) -> dict[str, Any]:
        """The connector's own tables, as far as the file has them."""
        return self.model_dump(include=_CONNECTOR_OPTIONS, exclude_defaults=True)

    @property
    def can_receive(self) -> bool:
        """True when a delivery could prove itself: by a secret, or against configured public keys."""
        return bool(self.webhook_secrets or {"jwks", "jwks_file"} & self.verify.keys())

    @model_validator(mode="after")
    def _only_generic_has_options(self) -> SourceSettings:
        if self.options and self.kind != "generic":
            raise ValueError('preset, verify, envelope and rules are for kind = "generic"')
        return self


class SecretSettings(Section):
    """Keys for secrets at rest."""

    keys: tuple[Annotated[SecretStr, AfterValidator(_secret_key)], ...] = Field(
        default=(),
        description="Base64 of 32 bytes, the first encrypts, all decrypt. Default: made in the state folder.",
    )


class HandoverWebhookSettings(Section):
    """Where new keys of slots with `deliver = "webhook"` are sent."""

    url: Secret | None = Field(
        default=None, description="https URL of your app that takes new keys (Standard Webhooks)."
    )
    secrets: tuple[Secret, ...] = Field(
        default=(), description="whsec_... secrets; every message is signed with each of them."
    )
    ports: tuple[Annotated[int, Field(ge=1, le=65_535)], ...] = Field(
        default=(443,), description="Ports that keys may be sent to."
    )
    allow_loopback: bool = Field(
        default=False, description="For development: also http, and any port, of this machine itself."
    )


class LoggingSettings(Section):
    """Logs, on stderr."""

    level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = Field(
        default="INFO", description="Least level that is written."
    )
    format: Literal["json", "console"] | None = Field(
        default=None, description="json or console. Default: console on a terminal, json otherwise."
    )


class Settings(Section):
    """Everything that can be set, apart from the policy."""

    state_dir: Path = Field(description="Folder of the embedded default: SQLite file, generated secret key.")
    unkey: UnkeySettings = UnkeySettings()
    database: DatabaseSettings = DatabaseSettings()
    broker: BrokerSettings = BrokerSettings()
    web: WebSettings = WebSettings()
    timings: TimingSettings = TimingSettings()
    sources: dict[Annotated[str, Field(pattern=_NAME)], SourceSettings] = Field(
        default_factory=dict, description="Configured sources by name."
    )
    queues: dict[Annotated[str, Field(pattern=_NAME)], QueueSettings] = Field(
        default_factory=dict, description="Message queues that carry a source's events, by name."
    )
    secrets: SecretSettings = SecretSettings()
    handover_webhook: HandoverWebhookSettings = HandoverWebhookSettings()
    logging: LoggingSettings = LoggingSettings()

    @property
    def database_url(self) -> SecretStr:
        """The configured ledger, or the SQLite file in the state folder."""
        return self.database.url or SecretStr(f"sqlite:///{self.state_dir / 'unkey-sync.db'}")

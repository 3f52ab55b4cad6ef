"""The stage: the real service in this process (receiver over HTTP, worker, sandbox) and a sender of webhooks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from unkey_sync import reports
from unkey_sync.clock import SECOND, SystemClock
from unkey_sync.deployment import deployment_of
from unkey_sync.errors import Relink, Retry
from unkey_sync.ledger import migrate
from unkey_sync.roles.dev import DevSandbox, House
from unkey_sync.roles.receiver import create_receiver, listen
from unkey_sync.sample import freshen, override
from unkey_sync.settings import load_settings
from unkey_sync.settings.dev_sources import webhook_secret
from unkey_sync.unkey.wanted import NewKey
from unkey_sync.web.serve import Server, bind
from unkey_sync.wiring import Runtime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from unkey_sync.ledger.store import Ledger
    from unkey_sync.unkey.models import Identity
    from unkey_sync.unkey.secret import SecretText

_PATIENCE_S = 30.0
_SOURCES = ("clerk", "stripe")


class StoryClock(SystemClock):
    """The machine's clock plus the days that the story has skipped."""

    def __init__(self) -> None:
        self._skipped = 0

    def now(self) -> int:
        return super().now() + self._skipped

    def skip(self, days: float) -> None:
        self._skipped += int(days * 86_400 * SECOND)


@dataclass(frozen=True, slots=True)
class Letter:
    """A webhook, signed and ready to be delivered once or often."""

    source: str
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Stage:
    """One deployment in a folder of its own. Used as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.clock = StoryClock()
        self.sent = 0
        self._folder = folder
        self._sandbox = DevSandbox()
        self._ready = threading.Event()
        self._url = ""

    def __enter__(self) -> Stage:
        self._sandbox.start()
        self.runtime = Runtime(
            deployment_of(load_settings({}, file=self._policy(), flags=self._flags())), self.clock
        )
        migrate.upgrade(self.runtime.ledger.engine)
        self._house = House(self.runtime)
        self._house.start()
        where = replace(listen(self.runtime), port=0)
        self._listener = bind(where)
        receiver = create_receiver(self.runtime, self._house.bell.ring)
        self._server = Server(receiver, where, self._on_ready)
        sockets = [self._listener]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": sockets}, daemon=True)
        self._thread.start()
        if not self._ready.wait(_PATIENCE_S):
            raise Retry("the receiver did not start")
        self._http = httpx.Client(base_url=self._url, trust_env=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._listener.close()
        self._house.stop()
        self._sandbox.stop()

    def write(self, source: str, event: str, changes: Sequence[str] = ()) -> Letter:
        """A signed webhook as the vendor documents it, about something that happens now."""
        sample = self.runtime.connectors[source].samples()[event]
        self.clock.skip(1.1 / 86_400)  # each change has a second of its own
        now = self.clock.now()
        body = orjson.dumps(override(freshen(sample, now), changes))
        return Letter(source, body, dict(self.runtime.connectors[source].sign(body, now)))

    def post(self, letter: Letter) -> int:
        """Deliver a webhook; the status of the answer. The same letter may be delivered again."""
        self.sent += 1
        headers = {**letter.headers, "content-type": "application/json"}
        return self._http.post(f"/webhooks/{letter.source}", content=letter.body, headers=headers).status_code

    def settle(self) -> None:
        """Wait until everything that was sent has taken effect."""
        until = self.clock.monotonic() + _PATIENCE_S
        never = threading.Event()
        while not self._is_done():
            if self.clock.monotonic() > until:
                raise Retry("the story got stuck; `unkey-sync status` would tell where")
            self.clock.wait(never, 0.02)

    def skip_days(self, days: float) -> None:
        """Let time pass, then let the timers do their work."""
        self.clock.skip(days)
        self.settle()

    def identity(self, external_id: str) -> Identity | None:
        """What Unkey holds, read back from it."""
        try:
            return self.runtime.unkey.identities.get(external_id=external_id)
        except Relink:
            return None

    def make_key(self, external_id: str) -> SecretText:
        """What the customer's own code does: issue a key for one of its users."""
        return self.runtime.unkey.keys.create(
            NewKey(external_id=external_id, enabled=True, prefix="demo")
        ).key

    def verify(self, key: SecretText) -> str:
        """Unkey's verdict on a key: VALID, DISABLED, ..."""
        return self.runtime.unkey.keys.verify(key).code

    def subjects(self) -> list[dict[str, Any]]:
        return reports.subject_list(self.ledger, parked=None, limit=100)

    @property
    def ledger(self) -> Ledger:
        return self.runtime.ledger

    def _is_done(self) -> bool:
        return reports.is_drained(self.ledger, self.clock.now())

    def _on_ready(self, url: str) -> None:
        self._url = url
        self._ready.set()

    def _policy(self) -> Path:
        path = self._folder / "unkey-sync.toml"
        path.write_text(resources.files("unkey_sync.demo").joinpath("policy.toml").read_text())
        return path

    def _flags(self) -> dict[tuple[str, ...], Any]:
        secrets: dict[tuple[str, ...], Any] = {
            ("sources", name, "webhook_secrets"): [webhook_secret(b"demo" * 8, name)] for name in _SOURCES
        }
        timings: dict[tuple[str, ...], Any] = {
            ("timings", "sweep_interval_s"): 0.2,
            ("timings", "settle_s"): 0.2,
        }
        return {("state_dir",): self._folder, **self._sandbox.flags(), **secrets, **timings}

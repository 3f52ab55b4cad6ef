"""The composition root: a deployment becomes the objects that do its work. The only constructor of adapters.

Everything is built on first use, that is in the process and thread that needs it; nothing happens on import.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
from functools import cached_property, partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from unkey_sync_connectors import registry
from unkey_sync_connectors.base import ConfigProblem, Connector, SourceConfig
from unkey_sync_connectors.event import Kind

from unkey_sync.batch import Ownership
from unkey_sync.clock import Clock, SystemClock
from unkey_sync.configfile import render_path
from unkey_sync.engine.calls import Calls
from unkey_sync.engine.catalogue import RoleKeeper
from unkey_sync.engine.commit import Committer
from unkey_sync.engine.doubts import Doubts, SourceAccess
from unkey_sync.engine.drain import Drain, DrainConfig
from unkey_sync.engine.key_calls import KeyCalls
from unkey_sync.engine.lookout import Lookout
from unkey_sync.engine.new_keys import KeyMaker
from unkey_sync.engine.outcome import Patience
from unkey_sync.engine.perform import Performer
from unkey_sync.engine.planner import Planner, Rules
from unkey_sync.errors import ConfigError
from unkey_sync.handover.connect import GuardedTransport
from unkey_sync.handover.loop import Handovers
from unkey_sync.handover.message import decode_secret
from unkey_sync.handover.post import Post
from unkey_sync.handover.sender import Line, Sender
from unkey_sync.handover.target import Reach, check_target
from unkey_sync.handover.upkeep import Upkeep
from unkey_sync.inbox import Inbox
from unkey_sync.ledger.store import Ledger
from unkey_sync.model import World
from unkey_sync.seal import Sealer
from unkey_sync.settings import load_secret_keys, make_state_dir
from unkey_sync.sourceapi import ApiAccess, HttpSourceApi
from unkey_sync.telemetry.metrics import Metrics
from unkey_sync.unkey.budget import Priority
from unkey_sync.unkey.client import UnkeyClient
from unkey_sync.unkey.config import UnkeyConfig
from unkey_sync.unkey.gate import Gate, LocalGate
from unkey_sync.unkey.lanes import LaneTransport
from unkey_sync.unkey.meter import Instruments
from unkey_sync.unkey.redis_gate import RedisGate
from unkey_sync.unkey.redis_gate import connect as connect_redis
from unkey_sync.unkey.secret import SecretText
from unkey_sync.watch.asking import Asking
from unkey_sync.watch.loop import Watch, WatchPace

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from unkey_sync.deployment import Deployment

_OWNERS = {
    "user": frozenset({Kind.USER}),
    "organization": frozenset({Kind.ORGANIZATION}),
    "both": frozenset({Kind.USER, Kind.ORGANIZATION}),
}
LANES = 64


class Runtime:
    """The objects of one process. `transport` replaces the network to Unkey (tests, dry run)."""

    def __init__(
        self,
        deployment: Deployment,
        clock: Clock | None = None,
        transport: httpx.BaseTransport | None = None,
        role: str = "cli",
    ) -> None:
        self.settings = deployment.settings
        self.policy = deployment.policy
        self._document = deployment.document
        self.clock: Clock = clock or SystemClock()
        self._transport = transport
        self._role = role

    @cached_property
    def metrics(self) -> Metrics:
        """What this process counts."""
        return Metrics(version("unkey-sync"), self._role)

    @cached_property
    def ledger(self) -> Ledger:
        if self.settings.database.url is None:
            make_state_dir(self.settings.state_dir)
        return Ledger(self.settings.database_url.get_secret_value())

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(load_secret_keys(self.settings))

    @cached_property
    def connectors(self) -> dict[str, Connector]:
        """Every configured source by name. Raises ConfigError for unknown kinds and unusable secrets."""
        return {name: self._connector(name) for name in self.settings.sources}

    @cached_property
    def receiving(self) -> dict[str, Connector]:
        """The sources that have a webhook secret or public keys: nothing to prove with, no endpoint."""
        sources = self.settings.sources
        return {name: one for name, one in self.connectors.items() if sources[name].can_receive}

    @cached_property
    def access(self) -> dict[str, SourceAccess]:
        """The sources whose API can be asked."""
        found = {name: self._access(name, one) for name, one in self.connectors.items()}
        return {name: access for name, access in found.items() if access is not None}

    @cached_property
    def ownership(self) -> Ownership:
        return Ownership(_OWNERS[self.policy.subjects.owner], self.policy.subjects.link)

    @cached_property
    def inbox(self) -> Inbox:
        return Inbox(self.ledger, self.sealer, self.clock, self.ownership)

    @cached_property
    def gate(self) -> Gate:
        """What all workers share about Unkey: through Redis where it is the broker, else in this process."""
        broker = self.settings.broker.url.get_secret_value()
        if broker.startswith(("redis://", "rediss://")):
            return RedisGate(
                connect_redis(broker), self.clock, prefix=f"unkey-sync:gate:{self._workspace()}:"
            )
        return LocalGate(self.clock)

    @cached_property
    def unkey(self) -> UnkeyClient:
        """Raises ConfigError when there is no root key."""
        unkey = self.settings.unkey
        if unkey.root_key is None:
            raise ConfigError(
                "no Unkey root key: set UNKEY_ROOT_KEY, or use `unkey-sync dev` with its sandbox"
            )
        config = UnkeyConfig(
            root_key=SecretText(unkey.root_key.get_secret_value()),
            api_id=unkey.api_id or "",
            base_url=unkey.base_url,
            max_lanes=LANES,
            write_deadline_s=self._call_deadline_s(),
            read_deadline_s=min(15.0, self._call_deadline_s()),
        )
        transport = self._transport or LaneTransport(self.clock, max_lanes=LANES)
        self.metrics.upstream.follow_circuit(lambda: self.gate.cause() is not None)
        instruments = Instruments(meter=self.metrics.upstream)
        return UnkeyClient(config, transport, self.gate, self.clock, instruments=instruments)

    @cached_property
    def planner(self) -> Planner:
        world = World(auth_sources=self._auth_sources())
        rules = Rules(policy=self.policy, world=world, settle_s=self.settings.timings.settle_s)
        return Planner(rules, self.clock)

    @cached_property
    def performer(self) -> Performer:
        unkey = self.settings.unkey
        keys = KeyCalls(KeyMaker(self.sealer, unkey.migration_id or ""), has_api=bool(unkey.api_id))
        calls = Calls(self.unkey, keys)
        return Performer(self.planner, calls, Doubts(self.access), self.clock)

    @cached_property
    def committer(self) -> Committer:
        patience = Patience(base_s=self.settings.timings.retry_base_s)
        return Committer(self.ledger, self.inbox, self.clock, patience, self.metrics.engine)

    @cached_property
    def drain_config(self) -> DrainConfig:
        lease_s = self.settings.timings.lease_s
        owner = f"{socket.gethostname()}:{os.getpid()}"
        return DrainConfig(owner=owner, lanes=LANES, lease_s=lease_s, margin_s=self._call_deadline_s())

    def _call_deadline_s(self) -> float:
        """A call is over before the lease under which it was begun: two workers never write one identity at once."""
        return min(25.0, 0.4 * self.settings.timings.lease_s)

    def drain(self) -> Drain:
        """A new drain; its owner closes it."""
        return Drain(self.ledger, self.performer, self.committer, self.clock, self.drain_config)

    @cached_property
    def role_keeper(self) -> RoleKeeper:
        return RoleKeeper(self.unkey.at(Priority.SWEEP), self.policy.roles, self.clock)

    def handovers(self) -> Handovers:
        """A new hand-over loop. Raises ConfigError when its URL or a secret cannot be used."""
        line = self._line()
        sender = Sender(self.ledger, self.sealer, self.clock, line, random.random) if line else None
        chores = (
            Upkeep(self.ledger, self.policy, self.clock),
            Lookout(self.ledger, self.clock, self.policy.drift.look_every),
            self.role_keeper,
        )
        interval_s = self.settings.timings.sweep_interval_s
        return Handovers(sender, chores, self.clock, interval_s, self.counter_of("handover"))

    def watch(self) -> Watch:
        """A new standing check."""
        timings = self.settings.timings
        asking = Asking(self.ledger, self.unkey, self.clock) if self.settings.unkey.api_id else None
        pace = WatchPace(look_every_s=timings.sweep_interval_s, settle_s=timings.settle_s)
        return Watch(self.ledger, asking, self.clock, pace, self.counter_of("watch"))

    def counter_of(self, part: str) -> Callable[[], None]:
        """Counts defects of this part of the process."""
        return partial(self.metrics.engine.defect, part)

    def close(self) -> None:
        """Close what was opened."""
        for name in ("unkey", "ledger"):
            if name in self.__dict__:
                self.__dict__[name].close()

    def _line(self) -> Line | None:
        webhook = self.settings.handover_webhook
        if webhook.url is None:
            return None
        if not webhook.secrets:
            raise ConfigError("handover_webhook.secrets: a hand-over URL needs a secret to sign with")
        reach = Reach(frozenset(webhook.ports), webhook.allow_loopback)
        target = check_target(webhook.url.get_secret_value(), reach)
        secrets = tuple(decode_secret(one.get_secret_value()) for one in webhook.secrets)
        post = Post(target, lambda: GuardedTransport(reach, self.clock, secure=target.secure), self.clock)
        return Line(post, secrets)

    def _workspace(self) -> str:
        """A name for the Unkey workspace that tells nothing of its root key."""
        unkey = self.settings.unkey
        key = unkey.root_key.get_secret_value() if unkey.root_key else ""
        return hashlib.sha256(f"{unkey.base_url} {key}".encode()).hexdigest()[:12]

    def _connector(self, name: str) -> Connector:
        source = self.settings.sources[name]
        config = SourceConfig(
            name=name,
            kind=source.kind,
            secrets=tuple(secret.get_secret_value() for secret in source.webhook_secrets),
            tolerance_s=source.tolerance_s,
            account=source.account,
            metadata_keys=self.policy.metadata_keys,
            orders=name in self.policy.top_up_sources,
            options=source.options,
        )
        try:
            return registry.create(config)
        except ConfigProblem as problem:
            path = ("sources", name, *problem.path)
            place = f"{self._document.path}:{self._document.line_of(path)}: " if self._document.path else ""
            raise ConfigError(f"{place}{render_path(path)}: {problem}") from problem

    def _access(self, name: str, connector: Connector) -> SourceAccess | None:
        source = self.settings.sources[name]
        if source.api_key is None or connector.api is None:
            return None
        if not (source.api_base or connector.api.base_url):
            raise ConfigError(f"sources.{name}: an API key needs `api_base`, the origin of your own tenant")
        access = ApiAccess(
            source=name,
            spec=connector.api,
            key=source.api_key.get_secret_value(),
            base_url=source.api_base or "",
        )
        note_away = partial(self.metrics.engine.source_paused, name)
        note_away(False)
        api = HttpSourceApi(access, self.clock, random.random, note_away=note_away)
        return SourceAccess(connector, api)

    def _auth_sources(self) -> frozenset[str]:
        return frozenset(name for name, one in self.connectors.items() if one.auth)

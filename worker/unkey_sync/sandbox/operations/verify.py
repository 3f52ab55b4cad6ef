"""keys.verifyKey: always 200 with a code, except for a broken permission query and unknown named limits.

Order of checks: existence, state of the key, permissions, rate limits, credits.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.call import Call, Reply
from unkey_sync.sandbox.errors import bad_request, precondition_failed
from unkey_sync.sandbox.ids import hash_secret
from unkey_sync.sandbox.keyring import LoadedKey, load
from unkey_sync.sandbox.query import parse_query
from unkey_sync.sandbox.rights import on_api
from unkey_sync.sandbox.views import limit_views, without_empty
from unkey_sync.sandbox.windows import Charge, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unkey_sync.sandbox.rows import Identity, Limit

_PREFIXED = "github.com/seamapi/prefixed-api-key"


@dataclass(slots=True)
class _Asked:
    """A limit to be charged. Custom limits have no id."""

    name: str
    limit: int
    duration: int
    owner: str
    cost: int = 1
    id: str = ""
    auto_apply: bool = False

    def charge(self) -> Charge:
        return Charge(("verify", self.name, self.owner), self.limit, self.duration, self.cost)


@dataclass(slots=True)
class _Outcome:
    code: str
    remaining: int | None
    limits: list[dict[str, Any]] = field(default_factory=list)


def verify_key(call: Call) -> Reply:
    loaded = _find(call)
    if loaded is None or not _visible(call, loaded):
        return Reply({"valid": False, "code": "NOT_FOUND"})
    holds = parse_query(call.body["permissions"]) if "permissions" in call.body else None
    outcome = _Outcome(loaded.state(call.now), loaded.key.remaining)
    if outcome.code == "VALID" and holds is not None and not holds(set(loaded.slugs)):
        outcome.code = "INSUFFICIENT_PERMISSIONS"
    if outcome.code == "VALID":
        _charge_limits(call, loaded, outcome)
    if outcome.code == "VALID" and loaded.key.remaining is not None:
        _spend(call, loaded, outcome)
    return Reply(_view(loaded, outcome))


def _find(call: Call) -> LoadedKey | None:
    loaded = _by_hash(call, hash_secret(call.body["key"]))
    if loaded is None and "migrationId" in call.body:
        return _migrated(call)
    return loaded


def _by_hash(call: Call, secret_hash: str) -> LoadedKey | None:
    loaded = call.node.keys.get(secret_hash, call.now, lambda: load(call.ro, secret_hash))
    return loaded if isinstance(loaded, LoadedKey) else None


def _migrated(call: Call) -> LoadedKey | None:
    """A key that came with a foreign hash gets ours at its first use."""
    migration = call.ro.migrations.get(call.body["migrationId"])
    if migration is None or migration.workspace != call.workspace or migration.algorithm != _PREFIXED:
        return None
    prefix, _, rest = call.body["key"].rpartition("_")
    prefix, _, short = prefix.rpartition("_")
    if not prefix:
        raise bad_request("Invalid key format", "unkey/authentication/malformed")
    foreign_hash = sha256(rest.encode()).hexdigest()
    loaded = _by_hash(call, foreign_hash)
    if loaded is not None and loaded.key.migration == migration.id:
        start = f"{prefix}_{f'{short}_{rest}'[:4]}"
        own = replace(loaded.key, hash=hash_secret(call.body["key"]), start=start, migration=None)
        call.tx.put(call.rw.keys, replace(own, updated_at=call.now))
        call.node.keys.drop(foreign_hash)
        call.node.keys.drop(own.hash)
    return loaded


def _visible(call: Call, loaded: LoadedKey) -> bool:
    if loaded.key.workspace != call.workspace or loaded.state(call.now) == "NOT_FOUND":
        return False
    return call.principal.may(on_api(call.principal, "verify_key", loaded.key.api, loaded.key.keyspace))


def _charge_limits(call: Call, loaded: LoadedKey, outcome: _Outcome) -> None:
    asked = list(_asked(call, loaded).values())
    if not all(one.charge().countable for one in asked):
        return  # the limiter refuses the batch, and upstream lets the call pass
    verdicts = call.world.windows.charge([one.charge() for one in asked], call.now)
    outcome.limits = [_limit_view(one, verdict) for one, verdict in zip(asked, verdicts, strict=True)]
    if not all(verdict.passed for verdict in verdicts):
        outcome.code = "RATE_LIMITED"


def _asked(call: Call, loaded: LoadedKey) -> dict[str, _Asked]:
    asked = {name: _of(loaded, limit) for name, limit in loaded.limits.items() if limit.auto_apply}
    for wanted in call.body.get("ratelimits", []):
        name = wanted["name"]
        if "limit" in wanted and "duration" in wanted:
            asked[name] = _Asked(name, wanted["limit"], wanted["duration"], loaded.key.id)
        elif name in loaded.limits:
            asked[name] = _of(loaded, loaded.limits[name])
        else:
            raise precondition_failed(_unknown_limit(name, loaded))
        asked[name].cost = wanted.get("cost", 1)
    return asked


def _of(loaded: LoadedKey, limit: Limit) -> _Asked:
    return _Asked(
        limit.name, limit.limit, limit.duration, limit.owner, id=limit.id, auto_apply=limit.auto_apply
    )


def _unknown_limit(name: str, loaded: LoadedKey) -> str:
    text = f"ratelimit '{name}' was requested but does not exist for key '{loaded.key.id}'"
    identity = loaded.identity
    if identity is None:
        # The stray formatting directives are upstream's.
        return f"{text} and there is no identity connected.%!(EXTRA string=, string=)"
    return f"{text} nor identity: '{identity.id}' external ID: '{identity.external_id}'"


def _spend(call: Call, loaded: LoadedKey, outcome: _Outcome) -> None:
    key = call.rw.keys.get(loaded.key.id)
    stored = key.remaining if key is not None and key.remaining is not None else 0
    apart = call.node.credits_apart
    balance = call.world.balances.read(loaded.key.id, stored, call.now) if apart else stored
    cost = call.body["credits"]["cost"] if "credits" in call.body else 1
    if cost > balance:
        outcome.code, outcome.remaining = "USAGE_EXCEEDED", balance
        return
    outcome.remaining = balance - cost
    if apart:
        call.world.balances.spend(loaded.key.id, cost)
    if cost and key is not None and key.remaining is not None:
        call.tx.put(call.rw.keys, replace(key, remaining=max(0, key.remaining - cost)))


def _view(loaded: LoadedKey, outcome: _Outcome) -> dict[str, Any]:
    key = loaded.key
    known = without_empty(
        name=key.name,
        meta=key.meta,
        expires=key.expires or None,
        credits=outcome.remaining,
        permissions=loaded.slugs,
        roles=loaded.roles,
        identity=_identity_view(loaded.identity, loaded.limits) if loaded.identity else None,
        ratelimits=outcome.limits,
    )
    valid = outcome.code == "VALID"
    return {"valid": valid, "code": outcome.code, "keyId": key.id, "enabled": key.enabled, **known}


def _identity_view(identity: Identity, limits: Mapping[str, Limit]) -> dict[str, Any]:
    own = limit_views(limit for limit in limits.values() if limit.owner == identity.id)
    known = without_empty(meta=identity.meta, ratelimits=own)
    return {"id": identity.id, "externalId": identity.external_id, **known}


def _limit_view(asked: _Asked, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": asked.id,
        "name": asked.name,
        "limit": asked.limit,
        "duration": asked.duration,
        "autoApply": asked.auto_apply,
        "exceeded": not verdict.passed,
        "remaining": verdict.remaining,
        "reset": verdict.reset,
    }

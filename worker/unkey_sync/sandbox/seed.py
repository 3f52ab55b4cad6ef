"""The seed: what a sandbox holds before the first call. TOML, read strictly; names are stable across
restarts.

Root keys, key migrations and special APIs can only come from here: no public operation of Unkey makes them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

from unkey_sync.errors import ConfigError
from unkey_sync.sandbox.faults import BadRule, Modes, Rule, rule_of
from unkey_sync.sandbox.ids import hash_secret, new_id, new_secret
from unkey_sync.sandbox.rights import ALL
from unkey_sync.sandbox.rows import Api, Migration, RootKey, Row, Workspace
from unkey_sync.sandbox.state import Change, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

DEFAULT_WORKSPACE = "ws_main"
S = TypeVar("S")
Named = TypeVar("Named", Api, Migration)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceSeed:
    id: str
    enabled: bool = True
    deleted: bool = False
    requests_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RootKeySeed:
    """`key` None: made up. `expires`: milliseconds since the epoch; `permissions`: a list or "all"."""

    name: str
    key: str | None = None
    workspace: str = DEFAULT_WORKSPACE
    permissions: Sequence[str] | str = "all"
    enabled: bool = True
    expires: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiSeed:
    name: str
    id: str | None = None
    workspace: str = DEFAULT_WORKSPACE
    encrypted: bool = False
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSeed:
    name: str
    id: str | None = None
    workspace: str = DEFAULT_WORKSPACE
    algorithm: str = "sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    workspaces: Sequence[WorkspaceSeed] = (WorkspaceSeed(id=DEFAULT_WORKSPACE),)
    root_keys: Sequence[RootKeySeed] = (RootKeySeed(name="full"),)
    apis: Sequence[ApiSeed] = (ApiSeed(name="main"),)
    migrations: Sequence[MigrationSeed] = ()
    faults: Sequence[Rule] = ()
    fault_seed: int = 0
    replica_lag_s: float = 0
    nodes: int = 0

    @property
    def modes(self) -> Modes:
        return Modes(
            rules=self.faults,
            seed=self.fault_seed,
            replica_lag_s=self.replica_lag_s,
            nodes=self.nodes,
        )


@dataclass(frozen=True, slots=True)
class Names:
    """What the seed made, by name: what the ready line tells."""

    root_keys: Mapping[str, str]
    apis: Mapping[str, str]
    migrations: Mapping[str, str]


_LISTS: Mapping[str, type[Any]] = {
    "workspaces": WorkspaceSeed,
    "root_keys": RootKeySeed,
    "apis": ApiSeed,
    "migrations": MigrationSeed,
}


def read_seed(path: Path) -> Seed:
    """Raises `ConfigError` that names the file, the table and the field."""
    try:
        return seed_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ConfigError) as problem:
        raise ConfigError(f"{path}: {problem}") from problem


def seed_of(data: Mapping[str, Any]) -> Seed:
    """A seed from parsed TOML. Without root keys, APIs or workspaces the defaults stand.

    Raises `ConfigError`.
    """
    known = {field.name for field in fields(Seed)}
    _refuse_unknown(data, known, "seed")
    values: dict[str, Any] = {name: value for name, value in data.items() if name not in (*_LISTS, "faults")}
    for name, kind in _LISTS.items():
        if name in data:
            values[name] = tuple(_entry(kind, entry, f"{name}[{i}]") for i, entry in enumerate(data[name]))
    values["faults"] = tuple(_rule(entry, i) for i, entry in enumerate(data.get("faults", ())))
    seed = Seed(**values)
    _refuse_unknown_workspaces(seed)
    return seed


def plant(state: State, seed: Seed) -> list[Change]:
    """What the seed wants there to be, as changes to apply:
    known names keep their ids and made-up secrets.
    """
    rows: list[tuple[str, Row]] = [
        *(("workspaces", _workspace(one)) for one in seed.workspaces),
        *(("root_keys", _root_key(one, state.root_keys.find("name", one.name))) for one in seed.root_keys),
        *(("apis", _api(one, _oldest(state.apis, one.name))) for one in seed.apis),
        *(("migrations", _migration(one, _oldest(state.migrations, one.name))) for one in seed.migrations),
    ]
    return [Change(table, row.id, None, row) for table, row in rows]


def names(state: State, seed: Seed) -> Names:
    apis = {one.name: _oldest(state.apis, one.name) for one in seed.apis}
    migrations = {one.name: _oldest(state.migrations, one.name) for one in seed.migrations}
    return Names(
        {row.name: row.secret for row in state.root_keys},
        {name: api.id for name, api in apis.items() if api is not None},
        {name: migration.id for name, migration in migrations.items() if migration is not None},
    )


def _oldest(rows: Iterable[Named], name: str) -> Named | None:
    """A seeded row of a restarted sandbox is the first of its name."""
    return next((row for row in rows if row.name == name), None)


def _workspace(seed: WorkspaceSeed) -> Workspace:
    return Workspace(
        id=seed.id,
        enabled=seed.enabled,
        deleted=seed.deleted,
        requests_per_minute=seed.requests_per_minute,
    )


def _root_key(seed: RootKeySeed, before: RootKey | None) -> RootKey:
    secret = seed.key or (before.secret if before else new_secret("unkey", 16)[0])
    permissions = sorted(ALL) if seed.permissions == "all" else seed.permissions
    return RootKey(
        id=before.id if before else new_id("key"),
        name=seed.name,
        secret=secret,
        hash=hash_secret(secret),
        workspace=seed.workspace,
        permissions=tuple(permissions),
        enabled=seed.enabled,
        expires=seed.expires,
    )


def _api(seed: ApiSeed, before: Api | None) -> Api:
    return Api(
        id=seed.id or (before.id if before else new_id("api")),
        workspace=seed.workspace,
        name=seed.name,
        keyspace=before.keyspace if before else new_id("ks"),
        encrypted=seed.encrypted,
        protected=seed.protected,
    )


def _migration(seed: MigrationSeed, before: Migration | None) -> Migration:
    migration_id = seed.id or (before.id if before else new_id("mig"))
    return Migration(id=migration_id, workspace=seed.workspace, name=seed.name, algorithm=seed.algorithm)


def _entry(kind: type[S], data: Mapping[str, Any], where: str) -> S:
    _refuse_unknown(data, {field.name for field in fields(kind)}, where)  # type: ignore[arg-type]  # all are dataclasses
    try:
        return kind(**data)
    except TypeError as problem:
        raise ConfigError(f"{where}: {problem}") from None


def _rule(data: Mapping[str, Any], index: int) -> Rule:
    try:
        return rule_of(data)
    except BadRule as problem:
        raise ConfigError(f"faults[{index}].{problem}") from None


def _refuse_unknown(data: Mapping[str, Any], known: set[str], where: str) -> None:
    foreign = sorted(set(data) - known)
    if foreign:
        raise ConfigError(f"{where}: unknown key {foreign[0]!r}; known are {', '.join(sorted(known))}")


def _refuse_unknown_workspaces(seed: Seed) -> None:
    """A root key may name a workspace that does not exist (that is a case of its own); objects may not."""
    known = {workspace.id for workspace in seed.workspaces}
    things: list[ApiSeed | MigrationSeed] = [*seed.apis, *seed.migrations]
    for thing in things:
        if thing.workspace not in known:
            raise ConfigError(f"{thing.name}: workspace {thing.workspace!r} is not in [[workspaces]]")

"""The seed: what a sandbox holds before the first call. TOML, read strictly; names are stable across restarts.

Root keys, key migrations and special APIs can only come from here: no public operation of Unkey makes them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence  # noqa: TC003 - pydantic reads annotations at run time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from unkey_sync.errors import ConfigError
from unkey_sync.sandbox.faults import Modes, Rule, rule_of
from unkey_sync.sandbox.ids import hash_secret, new_id, new_secret
from unkey_sync.sandbox.rights import ALL
from unkey_sync.sandbox.rows import Api, Migration, RootKey, Row, Workspace
from unkey_sync.sandbox.state import Change, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Named = TypeVar("Named", Api, Migration)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class WorkspaceSeed(_Table):
    """`requests_per_minute`: for all calls of the workspace together; 0 refuses all, None is unlimited."""

    id: str = Field(min_length=1)
    enabled: bool = True
    deleted: bool = False
    requests_per_minute: int | None = Field(default=None, ge=0)


class _Owned(_Table):
    """Something in a workspace; without a name of one, in the first."""

    name: str = Field(min_length=1)
    workspace: str | None = None


class RootKeySeed(_Owned):
    """`key` None: made up. `expires`: milliseconds since the epoch. The workspace need not exist."""

    key: str | None = Field(default=None, min_length=1, repr=False)
    permissions: list[str] | Literal["all"] = "all"
    enabled: bool = True
    expires: int | None = None


class ApiSeed(_Owned):
    """`encrypted`: keys can be recovered. `protected`: deleteApi is refused."""

    id: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9_]{8,255}$")
    encrypted: bool = False
    protected: bool = False


class MigrationSeed(_Owned):
    id: str | None = Field(default=None, min_length=3, max_length=255)
    algorithm: str = "sha256"


class Seed(_Table):
    """Lists that are not given keep their defaults. `faults`: rules as for POST /_sandbox/faults."""

    workspaces: Sequence[WorkspaceSeed] = Field(default=(WorkspaceSeed(id="ws_main"),), min_length=1)
    root_keys: Sequence[RootKeySeed] = (RootKeySeed(name="full"),)
    apis: Sequence[ApiSeed] = (ApiSeed(name="main"),)
    migrations: Sequence[MigrationSeed] = ()
    faults: Sequence[Mapping[str, Any]] = ()
    fault_seed: int = 0
    replica_lag_s: float = Field(default=0, ge=0)
    nodes: int = Field(default=0, ge=0)

    @field_validator("faults")
    @classmethod
    def _understood(cls, faults: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        for fault in faults:
            rule_of(fault)
        return faults

    @field_validator("root_keys", "apis", "migrations")
    @classmethod
    def _named_once(cls, things: Sequence[_Owned]) -> Sequence[_Owned]:
        twice = _repeated([thing.name for thing in things])
        if twice is not None:
            raise ValueError(f"two entries are named {twice!r}")
        return things

    @field_validator("root_keys")
    @classmethod
    def _distinct(cls, root_keys: Sequence[RootKeySeed]) -> Sequence[RootKeySeed]:
        if _repeated([root_key.key for root_key in root_keys if root_key.key is not None]) is not None:
            raise ValueError("two root keys have the same key")
        return root_keys

    @model_validator(mode="after")
    def _in_known_workspaces(self) -> Seed:
        known = {None, *(workspace.id for workspace in self.workspaces)}
        for thing in (*self.apis, *self.migrations):
            if thing.workspace not in known:
                raise ValueError(f"{thing.name}: workspace {thing.workspace!r} is not in [[workspaces]]")
        return self

    @property
    def rules(self) -> list[Rule]:
        return [rule_of(fault) for fault in self.faults]

    @property
    def modes(self) -> Modes:
        return Modes(
            rules=self.rules, seed=self.fault_seed, replica_lag_s=self.replica_lag_s, nodes=self.nodes
        )

    def workspace_of(self, thing: _Owned) -> str:
        return thing.workspace or self.workspaces[0].id


@dataclass(frozen=True, slots=True)
class Names:
    """What the seed made, by name: what the ready line tells."""

    root_keys: Mapping[str, str]
    apis: Mapping[str, str]
    migrations: Mapping[str, str]


def read_seed(path: Path) -> Seed:
    """Raises `ConfigError` that names the file and the field."""
    try:
        return seed_of(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, ConfigError) as problem:
        raise ConfigError(f"{path}: {problem}") from problem


def seed_of(data: Mapping[str, Any]) -> Seed:
    """A seed from parsed TOML. Raises `ConfigError` that names every wrong field, never its value."""
    try:
        return Seed.model_validate(data)
    except ValidationError as problem:
        raise ConfigError(
            "; ".join(_place(error["loc"]) + error["msg"] for error in problem.errors())
        ) from None


def _repeated(texts: Sequence[str]) -> str | None:
    return next((text for text in texts if texts.count(text) > 1), None)


def _place(location: Sequence[int | str]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return f"{path.removeprefix('.')}: " if path else ""


def plant(state: State, seed: Seed) -> list[Change]:
    """What the seed wants there to be, as changes to apply:
    known names keep their ids and made-up secrets.
    """
    rows: list[tuple[str, Row]] = [
        *(("workspaces", _workspace(one)) for one in seed.workspaces),
        *(
            ("root_keys", _root_key(seed, one, state.root_keys.find("name", one.name)))
            for one in seed.root_keys
        ),
        *(("apis", _api(seed, one, _oldest(state.apis, one.name))) for one in seed.apis),
        *(
            ("migrations", _migration(seed, one, _oldest(state.migrations, one.name)))
            for one in seed.migrations
        ),
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


def _workspace(wanted: WorkspaceSeed) -> Workspace:
    return Workspace(
        id=wanted.id,
        enabled=wanted.enabled,
        deleted=wanted.deleted,
        requests_per_minute=wanted.requests_per_minute,
    )


def _root_key(seed: Seed, wanted: RootKeySeed, before: RootKey | None) -> RootKey:
    secret = wanted.key or (before.secret if before else new_secret("unkey", 16)[0])
    permissions = sorted(ALL) if wanted.permissions == "all" else wanted.permissions
    return RootKey(
        id=before.id if before else new_id("key"),
        name=wanted.name,
        secret=secret,
        hash=hash_secret(secret),
        workspace=seed.workspace_of(wanted),
        permissions=tuple(permissions),
        enabled=wanted.enabled,
        expires=wanted.expires,
    )


def _api(seed: Seed, wanted: ApiSeed, before: Api | None) -> Api:
    return Api(
        id=wanted.id or (before.id if before else new_id("api")),
        workspace=seed.workspace_of(wanted),
        name=wanted.name,
        keyspace=before.keyspace if before else new_id("ks"),
        encrypted=wanted.encrypted,
        protected=wanted.protected,
    )


def _migration(seed: Seed, wanted: MigrationSeed, before: Migration | None) -> Migration:
    migration_id = wanted.id or (before.id if before else new_id("mig"))
    return Migration(
        id=migration_id, workspace=seed.workspace_of(wanted), name=wanted.name, algorithm=wanted.algorithm
    )

"""The whole policy: all sections, and the rules that hold between them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from unkey_sync.configfile import Document, Problem, refuse, validate
from unkey_sync.policy.keys import Drift, Guard, Handover, KeyRoles, KeySlot
from unkey_sync.policy.lifecycle import Lifecycle
from unkey_sync.policy.plans import PlanSpec  # noqa: TC001  -- pydantic reads annotations
from unkey_sync.policy.shape import Many, Name, Section, Slug, fold
from unkey_sync.policy.subjects import Subjects
from unkey_sync.policy.topups import TopUpRule  # noqa: TC001  -- pydantic reads annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.tomllines import KeyPath

_Placed = tuple[str, "KeyPath"]
"""A name, and where it stands."""


_RoleNames = Annotated[Many[Name], Field(max_length=100)]


class Policy(Section):
    """The user's rules. Equal files, whatever their comments and order of keys, have equal fingerprints."""

    subjects: Subjects = Subjects()
    """Who owns an identity."""
    plans: Annotated[Many[PlanSpec], Field(max_length=500)] = ()
    """What plans grant."""
    top_ups: Annotated[Many[TopUpRule], Field(max_length=500)] = ()
    """Credits that are bought once."""
    roles: dict[Name, Many[Slug]] = Field(default_factory=dict, max_length=500)
    """Roles and their permissions, kept equal in Unkey."""
    role_mapping: dict[Name, _RoleNames] = Field(default_factory=dict, max_length=500)
    """Role in the organisation -> roles of the member's keys."""
    keys: Annotated[Many[KeySlot], Field(max_length=50)] = ()
    """Key slots."""
    key_roles: KeyRoles = KeyRoles()
    """Which keys hold the roles."""
    drift: Drift = Drift()
    """What others change in Unkey."""
    handover: Handover = Handover()
    """What becomes of new keys that nobody takes."""
    lifecycle: Lifecycle = Lifecycle()
    """What an account or subscription that is not simply alive means."""
    guard: Guard = Guard()
    """The brake on mass removal."""

    @property
    def default_plan(self) -> PlanSpec | None:
        return next((plan for plan in self.plans if plan.default), None)

    @property
    def managed_roles(self) -> frozenset[str]:
        """The roles that this policy gives and takes; all others belong to somebody else."""
        return frozenset(name for name, _ in _role_names(self))

    @property
    def metadata_keys(self) -> frozenset[str]:
        """The metadata keys that connectors must let through."""
        return self.subjects.metadata_keys

    @property
    def top_up_sources(self) -> frozenset[str]:
        """The sources whose one-time purchases mean credits."""
        return frozenset(match.source for rule in self.top_ups for match in rule.match)

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when, and only when, the policy's meaning may have changed."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


SECTIONS = frozenset(Policy.model_fields)
"""The top-level keys of the file that are policy."""


def read_policy(document: Document) -> Policy:
    """The policy part of a configuration file; other top-level keys are left to whoever owns them.

    Raises `ConfigError` with every problem of form or, when there is none, every contradiction.
    """
    policy = validate(Policy, document.only(SECTIONS))
    refuse(document, contradictions(policy))
    return policy


def contradictions(policy: Policy) -> Iterator[Problem]:
    """What is wrong between sections that are each well formed."""
    yield from _repeated(
        ((plan.name, ("plans", i, "name")) for i, plan in enumerate(policy.plans)), "plan names must differ"
    )
    yield from _repeated(
        ((slot.slot, ("keys", i, "slot")) for i, slot in enumerate(policy.keys)), "slot names must differ"
    )
    yield from _without_a_key(policy)
    yield from _repeated(_defaults(policy), "at most one plan is the default")
    yield from _repeated(_ranks(policy), "plans with `match` need different ranks: this one ties")
    yield from _spelled_apart(_role_names(policy))
    yield from _spelled_apart(_permission_slugs(policy))
    for path, names in _role_lists(policy):
        yield from _repeated(((name, (*path, i)) for i, name in enumerate(names)), "listed twice")


def _repeated(placed: Iterable[_Placed], message: str) -> Iterator[Problem]:
    first: dict[str, KeyPath] = {}
    for name, path in placed:
        if name in first:
            yield Problem(path, message)
        first.setdefault(name, path)


def _without_a_key(policy: Policy) -> Iterator[Problem]:
    """Top-ups go to one key per subject."""
    slots = {slot.slot for slot in policy.keys if slot.per == "subject"}
    for i, rule in enumerate(policy.top_ups):
        if rule.slot not in slots:
            yield Problem(("top_ups", i, "slot"), "names no slot of [[keys]] with one key per subject")


def _defaults(policy: Policy) -> Iterator[_Placed]:
    return (("default", ("plans", i, "default")) for i, plan in enumerate(policy.plans) if plan.default)


def _ranks(policy: Policy) -> Iterator[_Placed]:
    return ((str(plan.rank), ("plans", i, "rank")) for i, plan in enumerate(policy.plans) if plan.match)


def _spelled_apart(placed: Iterable[_Placed]) -> Iterator[Problem]:
    """Unkey takes names that differ only by case or accent for one, but elsewhere compares them exactly."""
    spelling: dict[str, str] = {}
    for name, path in placed:
        known = spelling.setdefault(fold(name), name)
        if known != name:
            yield Problem(path, "differs from another name only by case or accent; Unkey cannot hold both")


def _role_names(policy: Policy) -> Iterator[_Placed]:
    yield from ((name, ("roles", name)) for name in policy.roles)
    for path, names in _role_lists(policy):
        if path[0] != "roles":
            yield from ((name, (*path, i)) for i, name in enumerate(names))


def _permission_slugs(policy: Policy) -> Iterator[_Placed]:
    for role, slugs in policy.roles.items():
        yield from ((slug, ("roles", role, i)) for i, slug in enumerate(slugs))


def _role_lists(policy: Policy) -> Iterator[tuple[KeyPath, tuple[str, ...]]]:
    yield from ((("roles", role), slugs) for role, slugs in policy.roles.items())
    yield from ((("role_mapping", role), names) for role, names in policy.role_mapping.items())
    yield from ((("plans", i, "key", "roles"), plan.key.roles) for i, plan in enumerate(policy.plans))

"""Applying the operations to a small Unkey: it becomes as desired, keys go first, others lose nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from unkey_sync.clock import SECOND
from unkey_sync.diff import compute_operations
from unkey_sync.model import (
    Access,
    Desired,
    Moment,
    Observed,
    ObservedKey,
    Operation,
    RateLimit,
    SubjectKind,
)

SETTLE = 30 * SECOND
START = 1_000_000 * SECOND
CLOSED = (Access.SUSPENDED, Access.RETAINED, Access.REMOVED)


@dataclass
class SmallUnkey:
    """One subject in Unkey, and the engine's part of the bargain: record what each call did."""

    meta: dict[str, Any] | None
    limits: dict[str, RateLimit] = field(default_factory=dict)
    keys: dict[str, bool] = field(default_factory=dict)
    now: int = START
    in_flight: list[tuple[int, str]] = field(default_factory=list)
    """Keys whose creation is under way, and when each becomes visible."""

    def apply(self, operation: Operation, observed: Observed) -> Observed:
        return getattr(self, operation.call.name.lower())(operation, observed)  # type: ignore[no-any-return]

    def create_identity(self, operation: Operation, observed: Observed) -> Observed:
        assert self.meta is None
        self.meta = {}
        return self.update_identity(operation, replace(observed, identity_id="id_1", removed=False))

    def update_identity(self, operation: Operation, observed: Observed) -> Observed:
        if "meta" in operation.after:
            self.meta = operation.after["meta"]
        if "ratelimits" in operation.after:
            self.limits = {limit["name"]: RateLimit(**limit) for limit in operation.after["ratelimits"]}
        meta = self.meta or {}
        ours = frozenset(meta.get("sync", {}).get("fields", [])) | {"sync"}
        return replace(observed, meta=meta, ratelimits=tuple(self.limits.values()), owned_fields=ours)

    def list_keys(self, _: Operation, observed: Observed) -> Observed:
        ours = {key.key_id for key in observed.keys or () if key.disabled_by_us}
        keys = tuple(
            ObservedKey(key_id=key, enabled=enabled, disabled_by_us=key in ours and not enabled)
            for key, enabled in self.keys.items()
        )
        fence = self.now if observed.fenced_at is None else observed.fenced_at
        found = "id_1" if self.keys and self.meta is not None else observed.identity_id
        return replace(observed, identity_id=found, keys=keys, keys_listed_at=self.now, fenced_at=fence)

    def delete_key(self, operation: Operation, observed: Observed) -> Observed:
        assert not self.keys.pop(operation.target), "an enabled key was erased before it was disabled"
        keys = tuple(key for key in observed.keys or () if key.key_id != operation.target)
        return replace(observed, keys=keys)

    def update_key(self, operation: Operation, observed: Observed) -> Observed:
        enabled = operation.after["enabled"]
        self.keys[operation.target] = enabled
        keys = tuple(
            replace(key, enabled=enabled, disabled_by_us=not enabled)
            if key.key_id == operation.target
            else key
            for key in observed.keys or ()
        )
        return replace(observed, keys=keys, fenced_at=None if enabled else self.now)

    def delete_identity(self, _: Operation, observed: Observed) -> Observed:
        assert not self.keys, "a key outlived its identity"
        self.meta, self.limits = None, {}
        return Observed(removed=True, keys=observed.keys)

    def tick(self, seconds: int) -> None:
        self.now += seconds * SECOND
        self.keys |= {key: True for at, key in self.in_flight if at <= self.now}
        self.in_flight = [(at, key) for at, key in self.in_flight if at > self.now]


fields_of_others = st.dictionaries(
    st.sampled_from(["crm", "note"]), st.integers() | st.text("ab", max_size=3)
)
fields_of_ours = st.dictionaries(
    st.sampled_from(["support", "tier", "sla"]),
    st.sampled_from([True, 1, "x", {"h": 4}, [1, 2]]),
    max_size=3,
)
limits = st.lists(
    st.builds(
        RateLimit, st.sampled_from(["aaa", "bbb", "ccc"]), st.integers(1, 9), st.just(1000), st.booleans()
    ),
    max_size=3,
    unique_by=lambda limit: limit.name,
)


@st.composite
def wishes(draw: st.DrawFn, accesses: tuple[Access, ...] = tuple(Access)) -> Desired:
    access = draw(st.sampled_from(accesses))
    wish = Desired(external_id="org_1", kind=SubjectKind.ORGANIZATION, access=access)
    if access not in (Access.ENABLED, Access.SUSPENDED):
        return replace(wish, removed_since=START if access is Access.REMOVED else None)
    ours = draw(fields_of_ours)
    return replace(
        wish, meta={**ours, "sync": {"fields": sorted(ours)}}, ratelimits=tuple(sorted(draw(limits)))
    )


@st.composite
def unkeys(draw: st.DrawFn) -> SmallUnkey:
    late = draw(st.lists(st.integers(1, 29), max_size=2))
    return SmallUnkey(
        meta=draw(fields_of_others),
        limits={limit.name: limit for limit in draw(limits)},
        keys=draw(st.dictionaries(st.sampled_from(["k1", "k2", "k3"]), st.booleans())),
        in_flight=[(START + seconds * SECOND, f"late{seconds}") for seconds in late],
    )


def observe(unkey: SmallUnkey) -> Observed:
    return Observed(identity_id="id_1", meta=dict(unkey.meta or {}), ratelimits=tuple(unkey.limits.values()))


def settle(unkey: SmallUnkey, wish: Desired, observed: Observed) -> Observed:
    """Do what the engine does until there is nothing left to do; a live-lock is a failure."""
    for _ in range(40):
        plan = compute_operations(wish, observed, Moment(unkey.now, SETTLE))
        for operation in plan.operations:
            observed = unkey.apply(operation, observed)
        if wish.access is Access.ENABLED:
            observed = replace(observed, fenced_at=None)
        if not plan.operations and plan.look_again_at is None:
            return observed
        unkey.tick(7)
    raise AssertionError("no end")


@given(unkeys(), wishes())
def test_unkey_becomes_as_desired_and_a_second_look_finds_nothing(unkey: SmallUnkey, wish: Desired) -> None:
    before = replace(unkey)

    observed = settle(unkey, wish, observe(unkey))

    if wish.access is Access.WAITING:
        assert (unkey.meta, unkey.limits, unkey.keys) == (before.meta, before.limits, before.keys)
    if wish.access in (Access.ENABLED, Access.SUSPENDED):
        assert sorted(unkey.limits.values()) == list(wish.ratelimits)
        assert unkey.meta is not None
        assert wish.meta.items() <= unkey.meta.items()
    if wish.access in CLOSED:
        assert not any(unkey.keys.values())
    assert (unkey.meta is None) == (wish.access is Access.REMOVED)
    assert not compute_operations(wish, observed, Moment(unkey.now, SETTLE)).operations


@given(
    unkeys(), st.lists(wishes((Access.ENABLED, Access.SUSPENDED, Access.RETAINED)), min_size=1, max_size=4)
)
def test_fields_of_others_survive_every_change_and_our_old_ones_do_not(
    unkey: SmallUnkey, history: list[Desired]
) -> None:
    foreign = dict(unkey.meta or {})
    last = [wish.meta for wish in history if wish.access is not Access.RETAINED][-1:]

    observed = observe(unkey)
    for wish in history:
        observed = settle(unkey, wish, observed)

    assert unkey.meta == {**foreign, **(last[0] if last else {})}


@given(unkeys(), wishes((Access.SUSPENDED,)), wishes((Access.ENABLED,)))
def test_access_that_returns_brings_back_exactly_the_keys_that_we_took(
    unkey: SmallUnkey, closed: Desired, opened: Desired
) -> None:
    unkey.in_flight = []
    before = dict(unkey.keys)

    observed = settle(unkey, closed, observe(unkey))
    settle(unkey, opened, observed)

    assert unkey.keys == before


@given(unkeys(), wishes((Access.RETAINED,)), wishes((Access.REMOVED,)))
def test_a_key_made_during_the_retention_is_found_before_the_identity_goes(
    unkey: SmallUnkey, retained: Desired, removed: Desired
) -> None:
    observed = settle(unkey, retained, observe(unkey))
    unkey.tick(5_000)
    unkey.keys["sneaked_in"] = True
    removed = replace(removed, removed_since=unkey.now)

    settle(unkey, removed, observed)

    assert unkey.meta is None
    assert not any(unkey.keys.values())


@given(wishes(), unkeys())
def test_a_subject_that_unkey_never_heard_of_is_made_or_left_alone(wish: Desired, unkey: SmallUnkey) -> None:
    unkey.meta, unkey.limits, unkey.keys, unkey.in_flight = None, {}, {}, []

    settle(unkey, wish, Observed())

    assert (unkey.meta is not None) == (wish.access in (Access.ENABLED, Access.SUSPENDED))

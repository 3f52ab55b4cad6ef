"""/_sandbox/*: faults, clock, state, history, reset. For tests and people, never part of Unkey's API.

Anyone who can reach the sandbox can use these; secrets are left out of every answer.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

from unkey_sync.sandbox.clock import DAY_MS
from unkey_sync.sandbox.faults import BadRule, Modes, rule_of
from unkey_sync.sandbox.http import Answer, Request, json_answer, text_answer
from unkey_sync.sandbox.persist import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from unkey_sync.sandbox.world import World

_SECRETS = ("secret", "hash", "plaintext")
_MODES = frozenset({"seed", "replica_lag_s", "nodes", "rules"})


class BadControl(ValueError):  # noqa: N818
    """A control request that cannot be understood; the text says what."""


def handle_control(world: World, request: Request) -> Answer:
    action = request.path.removeprefix("/_sandbox/")
    handler = _HANDLERS.get((request.method, action))
    if handler is None:
        allowed = sorted(method for method, name in _HANDLERS if name == action)
        if allowed:
            return text_answer("Method Not Allowed\n", 405, {"Allow": ", ".join(allowed)})
        return text_answer("404 page not found\n", 404)
    try:
        return json_answer(handler(world, _body(request)))
    except (BadControl, BadRule) as problem:
        return json_answer({"error": str(problem)}, 400)


def shown_state(world: World) -> dict[str, Any]:
    """All rows, secrets excluded, and the sandbox's time and modes."""
    tables = rows_of(world.state)
    for rows in tables.values():
        for row in rows:
            for secret in _SECRETS:
                row.pop(secret, None)
    return {**tables, "clock": _shown_clock(world), **_shown_modes(world)}


def _state(world: World, _body: Mapping[str, Any]) -> Any:
    world.catch_up()
    return shown_state(world)


def _history(world: World, _body: Mapping[str, Any]) -> Any:
    return {"calls": [entry.shown() for entry in world.history.entries()]}


def _faults(world: World, _body: Mapping[str, Any]) -> Any:
    return _shown_modes(world)


def _set_faults(world: World, body: Mapping[str, Any]) -> Any:
    """Adds rules and sets the modes that are named; a body with `kind` is one rule."""
    if "kind" in body:
        world.faults.add(rule_of(body))
        return _shown_modes(world)
    foreign = sorted(set(body) - _MODES)
    if foreign:
        raise BadControl(f"{foreign[0]}: unknown field; known are {', '.join(sorted(_MODES))}")
    for rule in [rule_of(data) for data in body.get("rules", [])]:
        world.faults.add(rule)
    if "seed" in body:
        world.faults.reseed(int(_number(body, "seed")))
    if "replica_lag_s" in body:
        world.replica.configure(int(_number(body, "replica_lag_s") * 1000))
    if "nodes" in body:
        world.nodes.configure(int(_number(body, "nodes")))
    return _shown_modes(world)


def _clear_faults(world: World, _body: Mapping[str, Any]) -> Any:
    world.misbehave(Modes())
    return _shown_modes(world)


def _clock(world: World, _body: Mapping[str, Any]) -> Any:
    return _shown_clock(world)


def _set_clock(world: World, body: Mapping[str, Any]) -> Any:
    """Any of: `tick` (false stops the clock, true lets it run), `advance_s`, `set`,
    `to` (`refill` or `expiry`).
    """
    foreign = sorted(set(body) - {"tick", "advance_s", "set", "to"})
    if foreign:
        raise BadControl(f"{foreign[0]}: unknown field; known are advance_s, set, tick, to")
    if "tick" in body:
        (world.clock.run if body["tick"] else world.clock.freeze)()
    try:
        if "advance_s" in body:
            world.clock.advance(int(_number(body, "advance_s") * 1000))
        if "set" in body:
            world.clock.advance_to(_instant(body["set"]))
        if "to" in body:
            world.clock.advance_to(_next(world, body["to"]))
    except ValueError as problem:
        raise BadControl(str(problem)) from None
    world.catch_up()
    return _shown_clock(world)


def _reset(world: World, _body: Mapping[str, Any]) -> Any:
    world.reset()
    return _shown_clock(world)


def _next(world: World, what: Any) -> int:
    """The next midnight, or the moment after the next key expires."""
    now = world.clock.now_ms()
    if what == "refill":
        return (now // DAY_MS + 1) * DAY_MS
    if what != "expiry":
        raise BadControl("to: must be 'refill' or 'expiry'")
    ahead = [key.expires for key in world.state.keys if key.expires is not None and key.expires >= now]
    if not ahead:
        raise BadControl("to: no key expires from now on")
    return min(ahead) + 1


def _instant(value: Any) -> int:
    """Milliseconds, or ISO 8601 with an offset."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise BadControl("set: must be milliseconds since the epoch or an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise BadControl("set: needs an offset, such as Z")
    return int(moment.timestamp() * 1000)


def _number(body: Mapping[str, Any], name: str) -> float:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadControl(f"{name}: must be a number, 0 or more")
    return value


def _shown_clock(world: World) -> dict[str, Any]:
    return {"now": world.clock.now_ms(), "offset_ms": world.clock.offset_ms, "tick": not world.clock.frozen}


def _shown_modes(world: World) -> dict[str, Any]:
    return {
        "faults": [asdict(rule) for rule in world.faults.rules],
        "replica_lag_s": world.replica.lag_ms / 1000,
        "nodes": world.nodes.count,
    }


def _body(request: Request) -> Mapping[str, Any]:
    if not request.body:
        return {}
    try:
        body = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise BadControl("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadControl("the body must be an object")
    return body


_HANDLERS: Mapping[tuple[str, str], Callable[[World, Mapping[str, Any]], Any]] = MappingProxyType(
    {
        ("GET", "state"): _state,
        ("GET", "history"): _history,
        ("GET", "faults"): _faults,
        ("POST", "faults"): _set_faults,
        ("DELETE", "faults"): _clear_faults,
        ("GET", "clock"): _clock,
        ("POST", "clock"): _set_clock,
        ("POST", "reset"): _reset,
    }
)

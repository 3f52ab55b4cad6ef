"""The page at `/`: what the sandbox holds and what was called last.

Server-rendered, no script, reloads itself.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

from unkey_sync.sandbox.http import Answer
from unkey_sync.sandbox.views import roles_of, slugs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from unkey_sync.sandbox.rows import Identity, Key, Role
    from unkey_sync.sandbox.world import World

_SHOWN = 50
_STYLE = (
    "body{font:14px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#1c1c1e}"
    "h1{font-size:1.3rem}h2{font-size:1.05rem;margin:1.6rem 0 .4rem}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e3e3e8;vertical-align:top}"
    "th{font-weight:600;color:#55555c}td{font-family:ui-monospace,monospace;font-size:12.5px}"
    "@media(prefers-color-scheme:dark){body{background:#18181b;color:#ececf0}td,th{border-color:#36363c}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'"
    "; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def render_page(world: World) -> Answer:
    state = world.state
    identities = [identity for identity in state.identities if not identity.deleted]
    keys = [key for key in state.keys if not key.deleted]
    body = "".join(
        (
            f"<h1>Unkey sandbox</h1><p>{escape(_time(world.catch_up()))}{_modes(world)}</p>",
            _table("Identities", ("externalId", "id", "meta", "limits"), _identity_rows(world, identities)),
            _table(
                "Keys",
                ("start", "id", "identity", "state", "credits", "roles", "permissions"),
                _keys(world, keys),
            ),
            _table("Roles", ("name", "id", "permissions"), _role_rows(world, list(state.roles))),
            _table(
                "Last calls", ("time", "operation", "status", "root key", "committed", "fault"), _calls(world)
            ),
        )
    )
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Unkey sandbox</title>'
        '<meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="2">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    return Answer(200, "text/html; charset=utf-8", html.encode(), _HEADERS)


def _identity_rows(world: World, identities: Sequence[Identity]) -> list[Sequence[Any]]:
    return [
        (
            identity.external_id,
            identity.id,
            identity.meta or "",
            _joined(
                f"{limit.name} {limit.limit}/{limit.duration} ms"
                for limit in world.state.limits.members("owner", identity.id)
            ),
        )
        for identity in _newest(identities)
    ]


def _keys(world: World, keys: Sequence[Key]) -> list[Sequence[Any]]:
    now = world.clock.now_ms()
    return [
        (
            f"{key.start}…",
            key.id,
            _owner(world, key),
            _condition(key, now),
            "unlimited" if key.remaining is None else key.remaining,
            _joined(role.name for role in roles_of(world.state, key)),
            _joined(slugs_of(world.state, key)),
        )
        for key in _newest(keys)
    ]


def _role_rows(world: World, roles: Sequence[Role]) -> list[Sequence[Any]]:
    permissions = world.state.permissions
    return [
        (
            role.name,
            role.id,
            _joined(found.slug for link in role.permissions if (found := permissions.get(link))),
        )
        for role in _newest(roles)
    ]


def _calls(world: World) -> list[Sequence[Any]]:
    return [
        (
            _time(entry.at),
            entry.operation,
            entry.status,
            entry.root_key or "",
            "yes" if entry.committed else "",
            entry.fault or "",
        )
        for entry in _newest(world.history.entries())
    ]


def _owner(world: World, key: Key) -> str:
    identity = world.state.identities.get(key.identity)
    return "" if identity is None or identity.deleted else identity.external_id


def _condition(key: Key, now_ms: int) -> str:
    if not key.enabled:
        return "disabled"
    return "expired" if key.expires is not None and key.expires < now_ms else "enabled"


def _modes(world: World) -> str:
    modes = [
        f"replica lag {world.replica.lag_ms / 1000:g} s" if world.replica.lag_ms else "",
        f"{world.nodes.count} nodes" if world.nodes.count else "",
        f"{len(world.faults.rules)} fault rules" if world.faults.rules else "",
        "clock stopped" if world.clock.frozen else "",
    ]
    return "".join(f" · {mode}" for mode in modes if mode)


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    lines = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _newest(rows: Sequence[Any]) -> Iterable[Any]:
    return islice(reversed(rows), _SHOWN)


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")

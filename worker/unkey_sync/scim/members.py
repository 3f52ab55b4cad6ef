"""Changes of a group's members, lifted out of the body of a PATCH. Pure.

scim2-models applies a PATCH to the whole resource, and removes by value in quadratic time: minutes for a group of
10,000. What is lifted here is carried out on the table of members; what is not understood here is left to it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scim2_models import Group, InvalidValueException

if TYPE_CHECKING:
    from collections.abc import Mapping

REMOVALS = 100
"""Most values in one removal by value from anything but a group's members."""
_PATH = 8_192
NOTHING = {"op": "replace", "value": {}}
"""Left in a body when everything was lifted: a PATCH must have an operation."""

_SCHEMA = f"{Group.__schema__}".lower()
_ONE_MEMBER = re.compile(r'members\[\s*value\s+eq\s+"([^"\\]+)"\s*\]', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Who joins, with a display name or none, and who leaves. `whole`: everybody else leaves too."""

    joined: Mapping[str, str | None] = field(default_factory=dict)
    left: frozenset[str] = frozenset()
    whole: bool = False

    def then(self, later: MemberChange) -> MemberChange:
        """Both, one after the other."""
        if later.whole:
            return later
        joined = {one: name for one, name in self.joined.items() if one not in later.left}
        left = self.left - later.joined.keys()
        return MemberChange({**joined, **later.joined}, left | later.left, self.whole)


@dataclass(frozen=True, slots=True)
class Lifted:
    """What is left of a PATCH, and what was taken out of it; None if it must be applied to the whole group."""

    body: Any
    change: MemberChange | None


class _Unclear(Exception):  # noqa: N818
    """It speaks of members in a way that is not understood here."""


def is_of_group(path: object) -> bool:
    """Whether a path is that of one group."""
    return str(path).strip("/").lower().startswith("groups/")


def lift_members(body: Any) -> Lifted:
    """Take a PATCH of a group apart; all or nothing. What a later operation undoes leaves no trace."""
    name = key_of(body, "operations")
    operations = body[name] if name else None
    if not isinstance(operations, list):
        return Lifted(body, None)
    try:
        pairs = [_split(one) for one in operations]
    except _Unclear:
        return Lifted(body, None)
    total = MemberChange()
    for _, change in pairs:
        total = total.then(change) if change is not None else total
    kept = [one for one, _ in pairs if one is not None]
    return Lifted({**body, name: kept or [NOTHING] if operations else []}, total)


def refuse_long_removals(body: Any) -> None:
    """Raises InvalidValueException for a selection longer than scim2-models evaluates in decent time."""
    name = key_of(body, "operations")
    for one in body[name] if name and isinstance(body[name], list) else ():
        op, path, value = _read(one)
        if len(path) > _PATH or (op == "remove" and isinstance(value, list) and len(value) > REMOVALS):
            raise InvalidValueException(detail=f"At most {REMOVALS} values in one removal")


def _split(operation: Any) -> tuple[Any, MemberChange | None]:
    """What of an operation is not about members, and what is. Raises _Unclear."""
    op, path, value = _read(operation)
    if not path and (odd := key_of(operation, "path")) and operation[odd]:
        raise _Unclear
    name = path.lower().removeprefix(f"{_SCHEMA}:")
    if not name and isinstance(value, dict):
        return _split_object(operation, op, value)
    if name == "members":
        return None, _change(op, value, given=bool(key_of(operation, "value")))
    found = _ONE_MEMBER.fullmatch(path[len(path) - len(name) :])
    if found and op == "remove" and value is None:
        return None, MemberChange(left=frozenset({found[1]}))
    if name.startswith(("members", _SCHEMA)):
        raise _Unclear
    return operation, None


def _split_object(operation: Any, op: str, value: dict[str, Any]) -> tuple[Any, MemberChange | None]:
    names = {key: key.lower().removeprefix(f"{_SCHEMA}:") for key in value}
    about = [key for key, name in names.items() if name.startswith(("members", _SCHEMA))]
    if not about:
        return operation, None
    if op == "remove" or [names[key] for key in about] != ["members"]:
        raise _Unclear
    rest = {key: one for key, one in value.items() if key not in about}
    kept = {**operation, key_of(operation, "value"): rest} if rest else None
    return kept, _change(op, value[about[0]], given=True)


def _change(op: str, value: Any, *, given: bool) -> MemberChange:
    if op == "remove":
        return MemberChange(whole=True) if value is None else MemberChange(left=frozenset(_named(value)))
    if op == "add" and value is not None:
        return MemberChange(joined=_named(value))
    if op == "replace" and given:
        return MemberChange(joined=_named(value) if value is not None else {}, whole=True)
    raise _Unclear


def _named(value: Any) -> dict[str, str | None]:
    entries = value if isinstance(value, list) else [value]
    return dict(_member(one) for one in entries)


def _member(entry: Any) -> tuple[str, str | None]:
    found, display = (entry[key] if (key := key_of(entry, name)) else None for name in ("value", "display"))
    if not isinstance(found, str) or not found or found.startswith("bulkId:"):
        raise _Unclear
    return found, display if isinstance(display, str) and display else None


def _read(operation: Any) -> tuple[str, str, Any]:
    """Operation, path and value; of what is none, something that means nothing."""
    found = {name: key_of(operation, name) for name in ("op", "path", "value")}
    op, path, value = (operation[key] if key else None for key in found.values())
    return str(op).lower(), path.strip() if isinstance(path, str) else "", value


def key_of(thing: Any, name: str) -> str:
    """The key of an object that says `name` in any case; empty if it has none."""
    if not isinstance(thing, dict):
        return ""
    return next((key for key in thing if key.lower() == name), "")

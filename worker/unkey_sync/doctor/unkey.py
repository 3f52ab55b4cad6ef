"""Unkey: configured, reachable, and willing.

Only reading calls; whether writing is allowed shows at the first event.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from unkey_sync.clock import SECOND
from unkey_sync.deployment import deployment_of
from unkey_sync.doctor.report import Finding, Level, fine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from unkey_sync.doctor.report import Patient

DEADLINE_S = 5.0
CLOCK_SLACK_S = 60
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_settings(patient: Patient) -> Iterator[Finding]:
    """What must be set before a role can start."""
    settings = patient.loaded.settings.unkey
    if settings.root_key is None:
        yield Finding(
            Level.ERROR, "no root key: only `dev` and `demo` work, with the sandbox", "set UNKEY_ROOT_KEY"
        )
    if settings.api_id is None and patient.loaded.document.data.get("keys"):
        yield Finding(
            Level.ERROR, "the policy has key slots, but no API to create keys in", "set UNKEY_API_ID"
        )
    yield from _check_slots(patient)
    where = urlsplit(settings.base_url)
    if where.scheme == "http" and where.hostname not in LOOPBACK:
        yield Finding(
            Level.ERROR, "the root key would travel unencrypted", "write https:// in UNKEY_BASE_URL"
        )


def check_reachable(patient: Patient) -> Iterator[Finding]:
    """Call what changes nothing: one identity of the listing, and the API."""
    settings = patient.loaded.settings.unkey
    if settings.root_key is None:
        return
    headers = {"authorization": f"Bearer {settings.root_key.get_secret_value()}"}
    with httpx.Client(
        base_url=settings.base_url, headers=headers, timeout=DEADLINE_S, transport=patient.transport
    ) as client:
        try:
            answer = client.post("/v2/identities.listIdentities", json={"limit": 1})
            yield judge(answer.status_code, "identity.*.read_identity")
            yield from _check_clock(answer, patient.clock.now())
            if settings.api_id is not None:
                yield from _check_api(client, settings.api_id)
            yield from _check_roles(client, deployment_of(patient.loaded).policy.roles)
        except httpx.TransportError as error:
            yield Finding(
                Level.ERROR,
                f"{settings.base_url} is not reachable ({type(error).__name__})",
                "look at DNS, firewall and proxy, or correct UNKEY_BASE_URL",
            )


def _check_slots(patient: Patient) -> Iterator[Finding]:
    """What the policy's slots and roles need beside it."""
    policy, settings = deployment_of(patient.loaded).policy, patient.loaded.settings
    if any(slot.strategy == "migrate" for slot in policy.keys) and settings.unkey.migration_id is None:
        yield Finding(
            Level.ERROR, "a slot of strategy migrate has no migration to go through", "set UNKEY_MIGRATION_ID"
        )
    if policy.key_roles.scope == "all" and settings.unkey.api_id is None:
        yield Finding(
            Level.ERROR, "key_roles.scope = all, but no API to look for keys in", "set UNKEY_API_ID"
        )
    tells = any(slot.notify or slot.deliver == "webhook" for slot in policy.keys)
    if tells and settings.handover_webhook.url is None:
        yield Finding(
            Level.ERROR, "a slot hands over or tells of keys, but nowhere", "set UNKEY_SYNC_HANDOVER_URL"
        )


def _check_roles(client: httpx.Client, roles: Iterable[str]) -> Iterator[Finding]:
    """A role that exists in other letters can neither be created nor put on a key."""
    for name in roles:
        answer = client.post("/v2/permissions.getRole", json={"role": name})
        found = answer.json().get("data") if answer.status_code == HTTPStatus.OK else None
        spelled = found.get("name") if isinstance(found, dict) else None
        if spelled not in (None, name):
            yield Finding(
                Level.ERROR,
                f"Unkey has the role {name!r} in other letters, and keys compare exactly",
                "write it in the policy as Unkey has it, or delete it there",
            )


def judge(status: int, permission: str) -> Finding:
    """What an answer to a reading call says about the root key."""
    if status == HTTPStatus.OK:
        return Finding(Level.OK, f"reachable, {permission} granted")
    if status == HTTPStatus.FORBIDDEN:
        return Finding(
            Level.ERROR,
            f"the root key is disabled, expired or lacks {permission}",
            "look at the root key's permissions in Unkey's settings",
        )
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST):
        return Finding(
            Level.ERROR, "Unkey does not know this root key", "set UNKEY_ROOT_KEY to a valid root key"
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Finding(Level.WARNING, "the workspace's rate limit is used up", "try again in a minute")
    return Finding(Level.ERROR, f"Unkey answered {status}", "look at status.unkey.com and at UNKEY_BASE_URL")


def _check_api(client: httpx.Client, api_id: str) -> Iterator[Finding]:
    answer = client.post("/v2/apis.getApi", json={"apiId": api_id})
    if answer.status_code == HTTPStatus.NOT_FOUND:
        yield Finding(Level.ERROR, "this workspace has no API with the configured id", "correct UNKEY_API_ID")
    else:
        yield judge(answer.status_code, "api.*.read_api")


def _check_clock(answer: Any, now: int) -> Iterator[Finding]:
    """Webhook signatures carry timestamps: a clock that is minutes off rejects them all."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except ValueError:
        return
    off = now / SECOND - theirs
    if abs(off) > CLOCK_SLACK_S:
        yield Finding(
            Level.ERROR,
            f"this machine's clock is {off:+.0f} s off",
            "run a time service (NTP): timedatectl set-ntp true",
        )
    else:
        yield from fine("the clock is right")

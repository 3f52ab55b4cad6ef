"""The life of a customer's keys through real processes, told by signed webhooks and read back by the official SDK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.deployment import POLICY
from tests.e2e.processes import eventually

if TYPE_CHECKING:
    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Letter, Writer
    from tests.e2e.upstream import Upstream

SLOTS = """
[roles]
exporter = ["export.read", "export.write"]
admin = ["members.write"]
[role_mapping]
"org:admin" = ["admin"]
[key_roles]
scope = "all"
[[keys]]
slot = "default"
prefix = "acme"
[[keys]]
slot = "personal"
per = "member"
"""
KEYED = POLICY.replace(
    'name = "free"\ndefault = true\n',
    'name = "free"\ndefault = true\n'
    'key.credits = { remaining = 50, refill = { interval = "monthly", amount = 50, day = 1 } }\n',
).replace('identity.meta = { support = "priority" }', 'key.roles = ["exporter"]')


@pytest.fixture(scope="module")
def live(deployment: Deployment) -> Deployment:
    deployment.policy.write_text(KEYED + SLOTS)
    deployment.serve()
    deployment.start("worker")
    deployment.start("scheduler")
    return deployment


def paying(write: Writer, name: str) -> Letter:
    return write.stripe("customer.created", f"id=cus_{name}", f"metadata={json.dumps({'org_id': name})}")


def reveal(live: Deployment, name: str, *options: str) -> dict[str, Any]:
    """Waits until the key is usable, as a person would try again."""
    eventually(lambda: bool(waiting(live, name)), "a key that waits")
    return dict(live.json("keys", "reveal", name, *options))


def waiting(live: Deployment, name: str) -> list[dict[str, Any]]:
    rows = live.json("keys", "list", name)
    return [row for row in rows if row["handover"] and row["handover"]["state"] == "ready"]


def shown(upstream: Upstream, key_id: str) -> Any:
    """The key as the SDK reads it."""
    return upstream.sdk.keys.get_key(key_id=key_id).data


def of(upstream: Upstream, name: str) -> list[Any]:
    """All keys of an identity, as the SDK lists them."""
    page = upstream.sdk.apis.list_keys(api_id=upstream.api_id, external_id=name)
    return list(page.result.data) if page else []


def test_a_key_follows_its_plan_from_sign_up_to_deletion(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.organization("org_life"))
    live.settle()
    told = reveal(live, "org_life", "--slot", "default")
    at_first = shown(upstream, told["key_id"])
    verdicts = [upstream.verdict(told["key"])]
    live.cli("keys", "reveal", "org_life", "--slot", "default", expect=1)

    live.send(paying(write, "org_life"), write.subscription("org_life"))
    live.settle()
    on_pro = shown(upstream, told["key_id"])
    live.send(write.subscription("org_life", "deleted", "status=canceled"))
    live.settle()
    back = shown(upstream, told["key_id"])
    theirs = upstream.make_key("org_life")
    live.send(write.organization("org_life", "deleted"))
    live.settle()
    verdicts += [upstream.verdict(told["key"]), upstream.verdict(theirs)]

    assert told["key"].startswith("acme_")
    assert (at_first.credits.remaining, at_first.credits.refill.amount, at_first.roles) == (50, 50, None)
    assert (on_pro.credits, on_pro.roles) == (None, ["exporter"])
    assert sorted(on_pro.permissions) == ["export.read", "export.write"]
    assert (back.credits.remaining, back.roles) == (50, None)
    assert verdicts == ["VALID", "NOT_FOUND", "NOT_FOUND"]
    assert upstream.identity("org_life") is None


def test_a_members_key_has_the_role_of_the_membership_and_ends_with_it(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    joined = write.clerk(
        "organizationMembership.created",
        "organization.id=org_crew",
        "public_user_data.user_id=user_crew",
        "role=org:admin",
    )
    live.send(write.organization("org_crew"), joined)
    live.settle()
    told = reveal(live, "org_crew", "--slot", "personal", "--member", "user_crew")
    as_member = shown(upstream, told["key_id"])
    valid = upstream.verdict(told["key"])

    live.send(write.membership("org_crew", "user_crew", "deleted"))
    live.settle()

    assert (as_member.roles, valid) == (["admin"], "VALID")
    assert upstream.verdict(told["key"]) == "DISABLED"


def test_rotation_revocation_and_a_leak(live: Deployment, write: Writer, upstream: Upstream) -> None:
    live.send(write.organization("org_turn"))
    live.settle()
    first = reveal(live, "org_turn")
    live.cli("keys", "rotate", "org_turn", "--slot", "default", "--overlap", "1h")
    second = reveal(live, "org_turn")
    overlapping = [upstream.verdict(one["key"]) for one in (first, second)]

    live.cli("keys", "rotate", "org_turn", "--slot", "default", "--now")
    third = reveal(live, "org_turn")
    after_a_leak = [upstream.verdict(one["key"]) for one in (first, second, third)]
    live.cli("keys", "revoke", "org_turn", "--slot", "default")
    eventually(lambda: upstream.verdict(third["key"]) == "DISABLED", "the revocation")
    live.settle()

    assert overlapping == ["VALID", "VALID"]
    assert after_a_leak == ["DISABLED", "DISABLED", "VALID"]
    assert [key.enabled for key in of(upstream, "org_turn")] == [False, False, False]


def test_what_others_changed_is_reported_and_put_right_and_their_own_key_gets_the_roles(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.organization("org_drift"), paying(write, "org_drift"), write.subscription("org_drift"))
    live.settle()
    told = reveal(live, "org_drift")
    theirs = upstream.sdk.keys.create_key(api_id=upstream.api_id, external_id="org_drift").data.key_id
    upstream.sdk.identities.update_identity(identity="org_drift", ratelimits=[])
    upstream.sdk.keys.set_roles(key_id=told["key_id"], roles=[])

    live.cli("sync", "org_drift")
    live.settle()

    edits = {(one["field"], one["found"]) for one in live.json("subjects", "show", "org_drift")["edits"]}
    assert edits == {("ratelimits.requests", "none"), ("roles", "none")}
    assert live.json("status")["edits_last_day"] >= 2
    assert upstream.limits("org_drift") == [1000]
    assert [shown(upstream, key_id).roles for key_id in (told["key_id"], theirs)] == [["exporter"]] * 2

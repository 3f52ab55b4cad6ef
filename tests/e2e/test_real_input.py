"""Real webhooks in, real HTTP calls out: what a customer's life does to Unkey, read back by the official SDK."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from tests.e2e.processes import eventually

if TYPE_CHECKING:
    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Writer
    from tests.e2e.upstream import Upstream

FREE, PRO, SCALE = [100], [1000], [5000]


@pytest.fixture(scope="module")
def live(deployment: Deployment) -> Deployment:
    """Receiver, worker and scheduler, on PostgreSQL and Redis."""
    deployment.serve()
    deployment.start("worker")
    deployment.start("scheduler")
    return deployment


def test_a_sign_up_gets_an_identity_on_the_default_plan(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_ann"))

    live.cli("drain", "--timeout", "30")

    assert upstream.limits("user_ann") == FREE
    assert upstream.created("user_ann") == 1


def test_an_organization_and_its_member_each_get_an_identity(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(
        write.membership("org_acme", "user_bob"), write.organization("org_acme"), write.user("user_bob")
    )

    live.settle()

    assert upstream.limits("org_acme") == FREE
    assert upstream.limits("user_bob") == FREE
    kinds = {fact["kind"] for fact in live.json("subjects", "show", "org_acme")["facts"]}
    assert kinds == {"organization", "membership"}


def test_a_paid_plan_raises_limits_and_leaves_foreign_meta_alone(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_cyd"), write.customer("user_cyd"))
    live.settle()
    meta = dict(upstream.identity("user_cyd").meta)
    upstream.sdk.identities.update_identity(identity="user_cyd", meta={**meta, "theirs": 7})

    live.send(write.subscription("user_cyd"))
    live.settle()

    found = upstream.identity("user_cyd")
    assert upstream.limits("user_cyd") == PRO
    assert (found.meta["support"], found.meta["theirs"]) == ("priority", 7)


def test_a_cancelled_plan_lasts_to_the_end_of_its_period_and_then_ends_by_itself(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_dan"), write.customer("user_dan"), write.subscription("user_dan"))
    live.settle()
    end = int(time.time()) + 4

    live.send(
        write.subscription(
            "user_dan", "updated", "cancel_at_period_end=true", f"items.data.0.current_period_end={end}"
        )
    )
    live.settle()
    before = (upstream.limits("user_dan"), time.time() < end)
    eventually(lambda: upstream.limits("user_dan") != PRO, "the downgrade")

    assert before == (PRO, True)
    assert upstream.limits("user_dan") == FREE
    assert time.time() >= end


def test_a_failed_payment_suspends_after_its_grace_and_a_paid_one_restores(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_eve"), write.customer("user_eve"), write.subscription("user_eve"))
    live.settle()
    key = upstream.make_key("user_eve")
    failed_at = time.time()

    live.send(write.subscription("user_eve", "updated", "status=past_due", at=failed_at))
    live.settle()
    within_grace = (upstream.verdict(key), upstream.limits("user_eve"))
    eventually(lambda: upstream.verdict(key) == "DISABLED", "the suspension")
    grace_s = time.time() - int(failed_at)
    suspended = upstream.limits("user_eve")
    live.send(write.subscription("user_eve", "updated", at=time.time()))
    live.settle()

    assert within_grace == ("VALID", PRO)
    assert grace_s >= 4
    assert suspended == PRO
    assert upstream.verdict(key) == "VALID"


def test_a_ban_switches_keys_off_and_its_end_switches_only_those_on(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_fay"))
    live.settle()
    used, unused = upstream.make_key("user_fay"), upstream.make_key("user_fay", enabled=False)

    live.send(write.user("user_fay", "updated", "banned=true"))
    live.settle()
    banned = upstream.verdict(used)
    live.send(write.user("user_fay", "updated", "banned=false"))
    live.settle()

    assert banned == "DISABLED"
    assert (upstream.verdict(used), upstream.verdict(unused)) == ("VALID", "DISABLED")


def test_a_deleted_user_keeps_no_working_key_and_no_identity(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_gil"))
    live.settle()
    keys = [upstream.make_key("user_gil") for _ in range(3)]

    live.send(write.user("user_gil", "deleted"))
    live.settle()

    assert upstream.identity("user_gil") is None
    assert [upstream.verdict(key) for key in keys] == ["NOT_FOUND"] * 3
    order = [
        call["operation"]
        for call in upstream.calls()
        if call["operation"].startswith(("keys.u", "identities.d"))
    ]
    assert order[-1] == "identities.deleteIdentity"


def test_duplicates_at_the_same_moment_have_one_effect(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    letter = write.user("user_hal")
    before = sum(live.counts().values())

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda _: live.post.deliver(letter).status_code, range(64)))
    live.settle()

    assert statuses == [200] * 64
    assert sum(live.counts().values()) == before + 1
    assert upstream.created("user_hal") == 1


def test_reordered_deliveries_end_where_the_source_is(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    story = [
        write.user("user_ida"),
        write.customer("user_ida"),
        write.subscription("user_ida"),
        write.subscription("user_ida", "updated", plan="scale_monthly"),
    ]
    gone = [write.user("user_jim"), write.user("user_jim", "updated"), write.user("user_jim", "deleted")]

    for letter in [*reversed(story), *reversed(gone)]:
        live.send(letter)
        live.settle()

    assert upstream.limits("user_ida") == SCALE
    assert upstream.identity("user_jim") is None
    assert upstream.created("user_jim") == 0


def test_an_unknown_customer_waits_and_attaches_when_a_checkout_names_it(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(
        write.user("user_kim"), write.customer("user_kim", linked=False), write.subscription("user_kim")
    )
    live.settle()
    waiting, unlinked = live.counts()["waiting"], upstream.limits("user_kim")

    live.send(
        write.stripe(
            "checkout.session.completed",
            "id=cs_user_kim",
            "customer=cus_user_kim",
            "client_reference_id=user_kim",
            "metadata={}",
        )
    )
    live.settle()

    assert (waiting, unlinked) == (2, FREE)
    assert upstream.limits("user_kim") == PRO
    assert live.counts().get("waiting", 0) == 0


def test_nothing_was_parked_and_a_second_look_changes_nothing(
    live: Deployment, write: Writer, upstream: Upstream
) -> None:
    live.send(write.user("user_lea"), write.customer("user_lea"), write.subscription("user_lea"))
    live.settle()
    before = upstream.calls()

    live.cli("sync", "user_lea")
    live.settle()

    status = live.json("status")
    asked = [call["operation"] for call in upstream.calls()[len(before) :]]
    assert asked == ["identities.getIdentity"]  # sync looks at what Unkey really holds
    assert (status["events"]["parked"], status["subjects"]["parked"], status["events"]["pending"]) == (
        0,
        0,
        0,
    )
    assert status["unkey"]["circuit"] == "closed"

"""The story, chapter by chapter. Each ends with what Unkey holds, read back from it, and is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unkey_sync.demo import cast
from unkey_sync.demo.cast import ACME, ADA, BOB, EVE, GLOBEX, Terms
from unkey_sync.errors import SyncError

if TYPE_CHECKING:
    from collections.abc import Callable

    from unkey_sync.demo.cast import Role
    from unkey_sync.demo.stage import Letter, Stage

    Say = Callable[[str], None]


class StoryBroken(SyncError):  # noqa: N818  -- reads as what it is
    """The story did not go as it must; this is a bug."""

    code = "story_broken"


class Teller:
    """Tells chapters on a stage."""

    def __init__(self, stage: Stage, say: Say) -> None:
        self.stage = stage
        self.say = say

    def send(self, *letters: Letter) -> None:
        """Deliver in this order and wait for the effect."""
        for letter in letters:
            if self.stage.post(letter) != 200:
                raise StoryBroken("a webhook was refused")
        self.stage.settle()

    def holds(self, who: Role, limit: int | None) -> None:
        """Show what Unkey holds for somebody; it must be this limit (None: no identity)."""
        identity = self.stage.identity(who.id)
        found = None if identity is None else sum(one.limit for one in identity.limits())
        if found != limit:
            raise StoryBroken(f"{who.name} should hold {limit} and holds {found}")
        plan = identity.meta.get("sync", {}).get("plan") if identity else None
        text = "no identity" if limit is None else f"plan {plan}, {limit} requests a minute"
        self.say(f"    Unkey: {who.name:<7} {text}")

    def key_is(self, owner: str, verdict: str, expected: str) -> None:
        if verdict != expected:
            raise StoryBroken(f"the key of {owner} should be {expected} and is {verdict}")
        self.say(f"    Unkey: a key of {owner} is {verdict}")


def sign_ups(tell: Teller) -> None:
    """Two organisations and six people sign up"""
    letters = [cast.is_founded(tell.stage, one) for one in cast.ORGANIZATIONS]
    letters += [cast.signs_up(tell.stage, one) for one in cast.USERS]
    letters += [cast.joins(tell.stage, user, org) for org, users in cast.MEMBERS.items() for user in users]
    tell.send(*letters)
    for one in (*cast.ORGANIZATIONS, *cast.USERS):
        tell.holds(one, 100)


def an_upgrade_out_of_order(tell: Teller) -> None:
    """Acme buys Pro; Stripe tells it backwards and three times over"""
    customer = cast.becomes_customer(tell.stage, ACME)
    created = cast.subscribes(tell.stage, ACME, Terms(status="incomplete"))
    updated = cast.subscribes(tell.stage, ACME, Terms(), "updated")
    tell.say("    Stripe: subscription.updated, .updated, .created, .updated, customer.created")
    tell.send(updated, updated, created, updated, customer)
    tell.holds(ACME, 1000)


def seats(tell: Teller) -> None:
    """Acme moves to Scale with five seats; limits are per seat"""
    tell.send(cast.subscribes(tell.stage, ACME, Terms(plan="scale_monthly", seats=5), "updated"))
    tell.holds(ACME, 5000)


def downgrade_at_period_end(tell: Teller) -> None:
    """Acme cancels: paid is paid, so Scale stays until the period ends"""
    terms = Terms(plan="scale_monthly", seats=5, cancels=True)
    tell.send(cast.subscribes(tell.stage, ACME, terms, "updated"))
    tell.holds(ACME, 5000)
    tell.say("    31 days later, and no webhook came:")
    tell.stage.skip_days(31)
    tell.holds(ACME, 100)


def trial(tell: Teller) -> None:
    """Globex tries Pro for 14 days and does not buy"""
    customer = cast.becomes_customer(tell.stage, GLOBEX)
    tell.send(customer, cast.subscribes(tell.stage, GLOBEX, Terms(status="trialing", trial_days=14)))
    tell.holds(GLOBEX, 1000)
    tell.say("    15 days later:")
    tell.stage.skip_days(15)
    tell.holds(GLOBEX, 100)


def dunning(tell: Teller) -> None:
    """Ada pays for Pro herself, until her card is declined"""
    tell.send(cast.becomes_customer(tell.stage, ADA), cast.subscribes(tell.stage, ADA, Terms()))
    key = tell.stage.make_key(ADA.id)
    tell.send(cast.subscribes(tell.stage, ADA, Terms(status="past_due"), "updated"))
    tell.holds(ADA, 1000)
    tell.key_is("ada", tell.stage.verify(key), "VALID")
    tell.say("    8 days later the grace of 7 days is over; everything is kept, her keys are disabled:")
    tell.stage.skip_days(8)
    tell.key_is("ada", tell.stage.verify(key), "DISABLED")
    tell.say("    she pays:")
    tell.send(cast.subscribes(tell.stage, ADA, Terms(), "updated"))
    tell.key_is("ada", tell.stage.verify(key), "VALID")
    tell.holds(ADA, 1000)


def ban(tell: Teller) -> None:
    """Bob is banned at Clerk, and pardoned"""
    key = tell.stage.make_key(BOB.id)
    tell.send(cast.is_updated(tell.stage, BOB, banned=True))
    tell.key_is("bob", tell.stage.verify(key), "DISABLED")
    tell.send(cast.is_updated(tell.stage, BOB))
    tell.key_is("bob", tell.stage.verify(key), "VALID")


def deletion(tell: Teller) -> None:
    """Eve deletes her account; an old update of hers arrives afterwards"""
    key = tell.stage.make_key(EVE.id)
    late = cast.is_updated(tell.stage, EVE)
    tell.send(cast.is_deleted(tell.stage, EVE), late)
    tell.key_is("eve", tell.stage.verify(key), "DISABLED")
    tell.say("    31 days later her time is over: keys are erased first, then the identity")
    tell.stage.skip_days(31)
    tell.key_is("eve", tell.stage.verify(key), "NOT_FOUND")
    tell.holds(EVE, None)


def naive_way(tell: Teller) -> None:
    """The same deletion by a hand-written handler that just deletes the identity"""
    unkey = tell.stage.runtime.unkey
    unkey.identities.create(external_id="user_naive", meta={}, ratelimits=())
    key = tell.stage.make_key("user_naive")
    unkey.identities.delete(external_id="user_naive")
    tell.key_is("the deleted user", tell.stage.verify(key), "VALID")
    tell.say("    (and unlimited: its rate limit went with the identity)")


CHAPTERS: tuple[Callable[[Teller], None], ...] = (
    sign_ups,
    an_upgrade_out_of_order,
    seats,
    downgrade_at_period_end,
    trial,
    dunning,
    ban,
    deletion,
    naive_way,
)

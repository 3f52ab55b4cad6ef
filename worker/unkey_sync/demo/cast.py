"""Who plays: eight subjects, and the webhooks by which the story is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unkey_sync.demo.stage import Letter, Stage

DAY = 86_400


@dataclass(frozen=True, slots=True)
class Role:
    """A subject: its id at Clerk, its customer and subscription at Stripe, and what to call it."""

    id: str
    name: str

    @property
    def customer(self) -> str:
        return f"cus_{self.name}"

    @property
    def subscription(self) -> str:
        return f"sub_{self.name}"


ACME = Role("org_demo_acme", "acme")
GLOBEX = Role("org_demo_globex", "globex")
ADA, BOB, CYD, DAN, EVE, FAY = (
    Role(f"user_demo_{name}", name) for name in ("ada", "bob", "cyd", "dan", "eve", "fay")
)
ORGANIZATIONS = (ACME, GLOBEX)
USERS = (ADA, BOB, CYD, DAN, EVE, FAY)
MEMBERS = {ACME: (ADA, BOB, CYD), GLOBEX: (DAN, EVE, FAY)}


def signs_up(stage: Stage, user: Role) -> Letter:
    return stage.write("clerk", "user.created", [f"data.id={user.id}"])


def is_updated(stage: Stage, user: Role, *, banned: bool = False) -> Letter:
    return stage.write("clerk", "user.updated", [f"data.id={user.id}", f"data.banned={str(banned).lower()}"])


def is_deleted(stage: Stage, user: Role) -> Letter:
    return stage.write("clerk", "user.deleted", [f"data.id={user.id}"])


def is_founded(stage: Stage, organization: Role) -> Letter:
    return stage.write("clerk", "organization.created", [f"data.id={organization.id}"])


def joins(stage: Stage, user: Role, organization: Role) -> Letter:
    return stage.write(
        "clerk",
        "organizationMembership.created",
        [f"data.organization.id={organization.id}", f"data.public_user_data.user_id={user.id}"],
    )


def becomes_customer(stage: Stage, payer: Role) -> Letter:
    return stage.write(
        "stripe",
        "customer.created",
        [f"data.object.id={payer.customer}", f'data.object.metadata={{"org_id": "{payer.id}"}}'],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a subscription says. Days count from now."""

    plan: str = "pro_monthly"
    status: str = "active"
    seats: int = 1
    period_days: int = 30
    trial_days: int | None = None
    cancels: bool = False


def subscribes(stage: Stage, payer: Role, terms: Terms, event: str = "created") -> Letter:
    now = stage.clock.now() // 1_000_000
    period_end = now + terms.period_days * DAY
    trial_end = "null" if terms.trial_days is None else str(now + terms.trial_days * DAY)
    at = "data.object"
    item = f"{at}.items.data.0"
    return stage.write(
        "stripe",
        f"customer.subscription.{event}",
        [
            f"{at}.id={payer.subscription}",
            f"{at}.customer={payer.customer}",
            f"{at}.metadata={{}}",
            f"{at}.status={terms.status}",
            f"{at}.trial_end={trial_end}",
            f"{at}.cancel_at_period_end={str(terms.cancels).lower()}",
            f"{at}.cancel_at={period_end if terms.cancels else 'null'}",
            f"{item}.price.lookup_key={terms.plan}",
            f"{item}.quantity={terms.seats}",
            f"{item}.current_period_start={now}",
            f"{item}.current_period_end={period_end}",
        ],
    )

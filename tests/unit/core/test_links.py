"""Which subject a billing customer names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.links import compute_link, is_stand_in, stand_in
from unkey_sync_connectors.event import Kind

from tests.unit.core.given import NOW, customer, fact, subscription, user

if TYPE_CHECKING:
    from unkey_sync.model import Fact

RULES = ("metadata.org_id", "metadata.user_id", "client_reference_id", "external_ref")


def checkout(reference: object, **details: Any) -> Fact:
    return fact(Kind.CHECKOUT, "cs_1", {"client_reference_id": reference}, **details)


def test_the_first_rule_that_answers_decides() -> None:
    facts = [checkout("org_checkout"), customer({"user_id": "user_meta"})]

    assert compute_link(facts, RULES) == "user_meta"
    assert compute_link(facts, ("client_reference_id", "metadata.user_id")) == "org_checkout"


def test_a_customer_speaks_before_a_checkout_that_before_a_subscription_and_that_before_an_order() -> None:
    bought = fact(Kind.ORDER, "ord_1", {"metadata": {"org_id": "from_order"}}, version=NOW + 1)
    sold = fact(Kind.SUBSCRIPTION, "sub_1", {"metadata": {"org_id": "from_subscription"}}, version=NOW)
    session = fact(Kind.CHECKOUT, "cs_1", {"metadata": {"org_id": "from_checkout"}})

    told = [bought, sold, session, customer({"org_id": "from_customer"})]

    assert compute_link(told, RULES) == "from_customer"
    assert compute_link(told[:3], RULES) == "from_checkout"
    assert compute_link(told[:2], RULES) == "from_subscription"
    assert compute_link(told[:1], RULES) == "from_order"


def test_a_newer_fact_speaks_before_an_older_and_ties_go_by_entity_id() -> None:
    older = customer({"org_id": "older"}, entity_id="cus_a", version=NOW - 1)
    newer = customer({"org_id": "newer"}, entity_id="cus_z", version=NOW)
    rival = customer({"org_id": "rival"}, entity_id="cus_b", version=NOW)

    assert compute_link([older, newer], RULES) == "newer"
    assert compute_link([older, newer, rival], RULES) == "rival"


def test_a_deleted_fact_is_asked_only_when_nobody_else_answers() -> None:
    gone = customer({"org_id": "gone"}, deleted=True)

    assert compute_link([gone, checkout("alive")], RULES) == "alive"
    assert compute_link([gone], RULES) == "gone"


def test_the_rule_id_takes_the_customers_own_id() -> None:
    assert compute_link([customer(), checkout("x")], ("id",)) == "cus_1"
    assert compute_link([checkout("x")], ("id",)) is None


def test_an_external_reference_is_read_from_customer_subscription_and_order() -> None:
    bought = fact(Kind.ORDER, "ord_1", {"external_ref": "org_8", "metadata": {}})

    assert compute_link([bought], RULES) == "org_8"
    assert compute_link([subscription(external_ref="org_9")], RULES) == "org_9"


@pytest.mark.parametrize("nothing", ["", "  ", None, 7, ["org"]])
def test_what_is_no_text_names_nobody(nothing) -> None:
    assert compute_link([checkout(nothing), customer({"org_id": nothing})], RULES) is None


def test_metadata_that_is_no_table_and_entities_that_name_nobody_are_passed_over() -> None:
    odd = fact(Kind.CUSTOMER, "cus_1", {"metadata": "org_id"})
    person = fact(Kind.USER, "user_1", {"metadata": {"org_id": "from_user"}})

    assert compute_link([odd, person, user()], RULES) is None


def test_a_stand_in_is_told_from_every_subject_that_a_customer_could_name() -> None:
    named = compute_link([customer({"org_id": "org_1"})], RULES)

    assert is_stand_in(stand_in("stripe", "cus_1"))
    assert named is not None
    assert not is_stand_in(named)

"""What a policy file may say, and what it is told when it may not."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError
from unkey_sync.clock import DAY, SECOND
from unkey_sync.configfile import parse_document
from unkey_sync.errors import ConfigError
from unkey_sync.policy import Policy, format_duration, lint, parse_duration, read_policy

from tests.unit.core.given import TIERS, policy

P = "t:3: plans[0]."
APART = "differs from another name only by case or accent; Unkey cannot hold both"
LIMIT = '{ name = "requests", limit = 1, duration = "1s" }'


def plan(line: str) -> str:
    return f'[[plans]]\nname = "p"\n{line}'


def refusal(text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        policy(text)
    return str(refused.value).splitlines()


def test_an_empty_file_has_the_documented_defaults() -> None:
    rules = policy("")

    assert rules == Policy()
    assert rules.subjects.owner == "both"
    assert (rules.lifecycle.past_due.grace, rules.lifecycle.past_due.then) == (7 * DAY, "suspend")
    assert (rules.lifecycle.canceled.access, rules.lifecycle.canceled.then) == (
        "until_period_end",
        "default_plan",
    )
    assert (rules.lifecycle.trialing.grace, rules.lifecycle.paused) == (0, "default_plan")
    assert (rules.lifecycle.banned, rules.lifecycle.locked, rules.lifecycle.deprovisioned) == ("suspend",) * 3
    assert (rules.lifecycle.deleted.disable, rules.lifecycle.deleted.erase_after) == ("now", 0)
    assert (rules.guard.max_removals.count, rules.guard.max_removals.percent) == (50, 10)
    assert rules.guard.max_removals.window == 3600 * SECOND
    assert rules.default_plan is None


def test_dotted_keys_credits_and_roles_are_read() -> None:
    rules = policy(
        plan(
            f"identity.ratelimits = [{LIMIT}]\nidentity.meta = {{ n = 1.0, deep = {{ l = [1.5, true] }} }}\n"
            'key.roles = ["pro"]\n'
            'key.credits = { remaining = 0, refill = { interval = "monthly", amount = 1, day = 31 } }\n'
            '[[keys]]\nslot = "default"\nper = "member"'
        )
    )

    (only,) = rules.plans
    assert only.identity.ratelimits[0].duration == SECOND
    assert repr(only.identity.meta) == "{'n': 1, 'deep': {'l': [1.5, True]}}"
    assert only.key.roles == ("pro",)
    assert only.key.credits
    assert only.key.credits.refill
    assert only.key.credits.refill.day == 31
    assert rules.keys[0].per == "member"


def test_other_top_level_keys_belong_to_others() -> None:
    assert policy("[unkey]\napi_id = 3") == Policy()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[subjects]\nowner = "team"', "t:2: subjects.owner: must be 'user', 'organization' or 'both'"),
        ('[subjects]\nlink = ["email"]',
         "t:2: subjects.link[0]: must be `metadata.<key>`, `client_reference_id`, `external_ref`, `id`"),
        ("plans = 3", "t:1: plans: must be a list"),
        ("[[plans]]\nrank = 1", "t:1: plans[0].name: is missing"),
        (plan("default = 1"), P + "default: must be true or false"),
        (plan("rank = true"), P + "rank: must be a whole number"),
        (plan("rank = 1.0"), P + "rank: must be a whole number"),
        (plan('match = [{ source = "s" }]'),
         P + "match[0]: needs one of lookup_key, plan, product, price, entitlement"),
        (plan('match = [{ source = "s", entitlement = "e", price = "p" }]'),
         P + "match[0]: entitlement stands alone: an entitlement is no item of a subscription"),
        (plan('match = [{ source = "s", plan = "e", lookup_key = "p" }]'),
         P + "match[0]: lookup_key and plan mean the same; give one"),
        (plan(f"identity.ratelimits = [{LIMIT.replace('requests', 'rq')}]"),
         P + "identity.ratelimits[0].name: String should have at least 3 characters"),
        (plan(f"identity.ratelimits = [{LIMIT.replace('requests', 'r' * 129)}]"),
         P + "identity.ratelimits[0].name: String should have at most 128 characters"),
        (plan(f"identity.ratelimits = [{LIMIT.replace('1s', '0s')}]"),
         P + "identity.ratelimits[0].duration: must be at least \"1s\""),
        (plan(f"identity.ratelimits = [{LIMIT.replace('limit = 1', 'limit = 0')}]"),
         P + "identity.ratelimits[0].limit: must be greater than or equal to 1"),
        (plan(f"identity.ratelimits = [{LIMIT}, {LIMIT}]"),
         P + "identity.ratelimits: rate limit names must differ; given twice: requests"),
        (plan("identity.meta.sync = 1"),
         P + "identity.meta: `sync` is reserved for our own block; rename the field"),
        (plan("identity.meta.a = nan"), P + "identity.meta: holds nan or inf, which JSON does not know"),
        (plan("identity.meta.a = [2020-01-01]"),
         P + "identity.meta: holds a date or time; write it as a string"),
        (plan("identity.meta.a = 9007199254740993"),
         P + "identity.meta: holds a number above 2^53, which Unkey would change; write it as a string"),
        (plan(f'identity.meta.a = "{"x" * 10_000}"'),
         P + "identity.meta: must be smaller than 10000 bytes: every verification carries it"),
        (plan("\n".join(f"identity.meta.a{i} = 1" for i in range(100))),
         P + "identity.meta: must have at most 99 entries"),
        (plan('key.credits = { remaining = 1, refill = { interval = "monthly", amount = 1 } }'),
         P + "key.credits.refill: a monthly refill needs `day`, 1 to 31"),
        (plan('key.credits = { remaining = 1, refill = { interval = "daily", amount = 1, day = 1 } }'),
         P + "key.credits.refill: a daily refill has no `day`"),
        (plan('key.credits = { remaining = 1, refill = { interval = "daily", amount = 0 } }'),
         P + "key.credits.refill.amount: must be greater than or equal to 1"),
        (plan("key.credits = {}"), P + "key.credits.remaining: is missing"),
        ("[lifecycle]\npast_due = { grace = 7 }",
         't:2: lifecycle.past_due.grace: must be a duration such as "30s", "5m", "1h" or "7d"'),
        ('[lifecycle]\npast_due = { grace = "9999d" }',
         't:2: lifecycle.past_due.grace: must be at most "3650d"'),
        ("[lifecycle]\ndeleted.erase = 1",
         "t:2: lifecycle.deleted.erase: unknown key; did you mean `erase_after`?"),
        ("[guard.max_removals]\npercent = 101",
         "t:2: guard.max_removals.percent: must be less than or equal to 100"),
        ('[[keys]]\nslot = "a"\nprefix = "a-b"', None),
        ('[roles]\na = ["b c"]', None),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_line_key_and_remedy(text, told) -> None:
    (line,) = refusal(text)

    assert line.replace("test.toml", "t") == told or (told is None and "pattern" in line)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{plan('')}\n{plan('')}", "test.toml:5: plans[1].name: plan names must differ"),
        (f"{plan('default = true')}\n{plan('default = true').replace('p', 'q')}".replace("qlans", "plans"),
         "test.toml:6: plans[1].default: at most one plan is the default"),
        ('[[keys]]\nslot = "a"\n[[keys]]\nslot = "a"', "test.toml:4: keys[1].slot: slot names must differ"),
        (TIERS.replace("rank = 20", "rank = 10"),
         "test.toml:16: plans[2].rank: plans with `match` need different ranks: this one ties"),
        ("[roles]\nAdmin = []\nadmin = []",
         f"test.toml:3: roles.admin: {APART}"),
        ('[roles]\n"Ädmin" = []\n[role_mapping]\nx = ["admin"]',
         f"test.toml:4: role_mapping.x[0]: {APART}"),
        ('[roles]\na = ["docs.read"]\nb = ["Docs.Read"]',
         f"test.toml:3: roles.b[0]: {APART}"),
        ('[roles]\na = ["x", "x"]', "test.toml:2: roles.a[1]: listed twice"),
        (plan('key.roles = ["x", "x"]'), "test.toml:3: plans[0].key.roles[1]: listed twice"),
    ],
)  # fmt: skip
def test_a_contradiction_between_sections_is_told_where_it_stands(text, told) -> None:
    assert refusal(text) == [told]


def test_the_same_permission_in_two_roles_is_no_contradiction() -> None:
    rules = policy('[roles]\na = ["docs.read"]\nb = ["docs.read"]\n[role_mapping]\n"org:x" = ["a"]')

    assert rules.roles["b"] == ("docs.read",)


def test_a_policy_cannot_be_changed() -> None:
    rules = policy(TIERS)

    with pytest.raises(ValidationError):
        rules.plans[0].rank = 3


def test_the_fingerprint_follows_meaning_and_not_form() -> None:
    commented = policy('# c\n[lifecycle]\nlocked = "keep"\nbanned = "suspend"')
    plain = policy('lifecycle = { banned = "suspend", locked = "keep" }')

    assert commented.fingerprint == plain.fingerprint
    assert commented.fingerprint != policy("").fingerprint
    assert re.fullmatch("[0-9a-f]{16}", plain.fingerprint)


def test_metadata_keys_are_those_that_link_rules_read() -> None:
    rules = policy('[subjects]\nlink = ["metadata.a", "id", "metadata.b.c"]')

    assert rules.metadata_keys == {"a", "b.c"}


def test_top_up_sources_are_those_whose_purchases_mean_credits() -> None:
    match = '[{ source = "a", price = "p" }, { source = "b", product = "q" }]'
    rules = policy(f'[[keys]]\nslot = "default"\n[[top_ups]]\ncredits = 1\nmatch = {match}')

    assert rules.top_up_sources == {"a", "b"}
    assert policy("").top_up_sources == frozenset()


@pytest.mark.parametrize("text", ["0s", "30s", "5m", "1h", "7d", "3650d", "90s"])
def test_a_duration_reads_back_as_it_was_written(text) -> None:
    assert format_duration(parse_duration(text)) == text


@pytest.mark.parametrize(
    "text", ["", "7", "7 d", "-1s", "1w", "1.5h", "1h30m", "\u0661s", 7, None, "9999999999s"]
)
def test_anything_else_is_no_duration(text) -> None:
    with pytest.raises(ValueError, match="must be"):
        parse_duration(text)


def codes(text: str, sources: set[str] | None = None) -> list[tuple[str, tuple[object, ...]]]:
    return [(warning.code, warning.path) for warning in lint(policy(text), sources)]


def test_a_sound_policy_has_no_warning() -> None:
    assert codes(TIERS, {"stripe"}) == []


@pytest.mark.parametrize("key", ["unsafe_metadata.org", "unsafeMetadata", "user_metadata.org"])
def test_linking_by_what_users_can_edit_is_warned_about(key) -> None:
    found = codes(f'[subjects]\nlink = ["id", "metadata.{key}"]')

    assert found == [("user_editable_metadata", ("subjects", "link", 1))]


def test_a_plan_that_nothing_leads_to_is_warned_about() -> None:
    shadowed = TIERS.replace(
        'match = [{ source = "stripe", lookup_key = "max" }',
        'match = [{ source = "stripe", lookup_key = "pro" }, { source = "stripe", product = "prod_pro" }',
    )

    assert codes(f'{TIERS}\n[[plans]]\nname = "lost"') == [("unreachable_plan", ("plans", 3))]
    assert codes(shadowed) == [("unreachable_plan", ("plans", 1))]


def test_plans_without_a_default_are_warned_about() -> None:
    assert codes(plan('match = [{ source = "s", plan = "p" }]')) == [("no_default_plan", ("plans",))]


def test_roles_that_are_not_declared_are_warned_about() -> None:
    found = codes(
        '[roles]\na = []\n[role_mapping]\nx = ["a", "b"]\n' + plan('default = true\nkey.roles = ["a"]')
    )

    assert found == [("undeclared_role", ("role_mapping", "x"))]


def test_a_source_that_is_not_configured_is_warned_about() -> None:
    assert codes(TIERS, {"polar"})[0] == ("unknown_source", ("plans", 1, "match", 0, "source"))


def test_a_mistake_of_form_is_told_before_contradictions() -> None:
    text = f"{plan('rank = 1.5')}\n{plan('')}"

    with pytest.raises(ConfigError) as refused:
        read_policy(parse_document(text.encode(), "t"))

    assert str(refused.value) == P + "rank: must be a whole number"

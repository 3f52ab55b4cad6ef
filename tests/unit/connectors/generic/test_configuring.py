"""From the operator's file to a running source: what is read, and how a mistake is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unkey_sync.cli.sources import to_source_config
from unkey_sync.deployment import deployment_of
from unkey_sync.errors import ConfigError
from unkey_sync.settings import load_settings
from unkey_sync.wiring import Runtime
from unkey_sync_connectors.registry import create, known_kinds

from tests.unit.connectors.generic.support import Signer

if TYPE_CHECKING:
    from pathlib import Path

SHOP = """
[sources.shop]
kind = "generic"
preset = "standard-webhooks"
webhook_secrets = ["env:SHOP_SECRET"]
"""
HOME = {"HOME": "/home/nobody", "SHOP_SECRET": "c2VjcmV0Y2FuYXJ5"}


def runtime(folder: Path, text: str) -> Runtime:
    file = folder / "unkey-sync.toml"
    file.write_text(text)
    return Runtime(deployment_of(load_settings(HOME, file=file)))


def told(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        _ = runtime(folder, text).connectors
    return str(caught.value).removeprefix(f"{folder}/")


def test_generic_is_a_kind_of_source():
    assert "generic" in known_kinds()


def test_a_source_receives_with_its_preset_and_is_asked_who_exists(tmp_path: Path):
    shop = runtime(tmp_path, SHOP)

    assert list(shop.receiving) == ["shop"]
    assert shop.receiving["shop"].config.options == {"preset": "standard-webhooks"}
    assert shop.access == {}
    assert shop.planner is not None


def test_only_a_source_that_top_ups_name_reads_orders(tmp_path: Path):
    top_up = (
        '[[keys]]\nslot = "default"\n[[top_ups]]\ncredits = 1\nmatch = [{ source = "shop", price = "p" }]\n'
    )
    others = SHOP.replace("sources.shop", "sources.other")

    connectors = runtime(tmp_path, top_up + SHOP + others).connectors

    assert {name: one.config.orders for name, one in connectors.items()} == {"shop": True, "other": False}
    assert not runtime(tmp_path, SHOP).connectors["shop"].config.orders


def test_commands_build_the_same_source(tmp_path: Path):
    settings = runtime(tmp_path, SHOP).settings.sources["shop"]

    connector = create(to_source_config("shop", settings))

    assert "subscription.created" in connector.samples()


def test_public_keys_are_enough_to_receive(tmp_path: Path):
    jwk = Signer("EdDSA").jwk
    keys = f'{{ keys = [{{ kty = "OKP", crv = "Ed25519", x = "{jwk["x"]}" }}] }}'
    text = f'[sources.id]\nkind = "generic"\npreset = "kinde"\n[sources.id.verify]\njwks = {keys}\n'

    assert list(runtime(tmp_path, text).receiving) == ["id"]


def test_without_secret_or_key_there_is_no_endpoint(tmp_path: Path):
    text = '[sources.id]\nkind = "generic"\npreset = "kinde"\n'

    assert dict(runtime(tmp_path, text).receiving) == {}


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            '[sources.shop.rules.user]\nid = "data.id"\ntyps = ["x"]\n',
            "unkey-sync.toml:8: sources.shop.rules.user.typs: unknown key; did you mean 'types'?",
        ),
        (
            '[sources.shop.rules.user.body]\nblocked = { map = "a b", to = { x = "y" } }\n',
            "unkey-sync.toml:7: sources.shop.rules.user.body.blocked.map: is not a path",
        ),
        (
            '[sources.shop.verify]\nkind = "hmac"\n',
            "unkey-sync.toml:6: sources.shop.verify.header: is required",
        ),
    ],
)
def test_a_mistake_names_file_line_and_key(tmp_path: Path, lines: str, expected: str):
    assert told(tmp_path, SHOP + lines).startswith(expected)


def test_a_mistake_never_quotes_a_secret(tmp_path: Path):
    message = told(tmp_path, SHOP + '[sources.shop.verify]\nkind = "basic"\n')

    assert "user:password" in message
    assert HOME["SHOP_SECRET"] not in message


def test_rules_for_another_kind_of_source_are_refused(tmp_path: Path):
    text = '[sources.clerk]\nkind = "clerk"\n[sources.clerk.rules.user]\ntypes = ["x"]\n'

    assert 'are for kind = "generic"' in told(tmp_path, text)

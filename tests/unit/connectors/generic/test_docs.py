"""The documentation says what happens: every configuration, delivery and result in it is executed."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from unkey_sync.settings import load_settings
from unkey_sync_connectors.base import Delivery
from unkey_sync_connectors.generic.bodies import KINDS
from unkey_sync_connectors.generic.options import Options
from unkey_sync_connectors.generic.paths import Budget, Scope
from unkey_sync_connectors.generic.presets import known_presets
from unkey_sync_connectors.generic.terms import OPERATORS, Terms
from unkey_sync_connectors.generic.verifying import _BUILDERS, _HMAC_KEYS, _JWT_KEYS
from unkey_sync_connectors.timestamps import Instant

from tests.unit.connectors.generic.support import Signer, encode, generic

if TYPE_CHECKING:
    from unkey_sync_connectors.event import Entity, Event

ROOT = Path(__file__).parents[4]
DOCS = ROOT / "docs" / "sources"
PAGES = [DOCS / "generic.md", *sorted((DOCS / "presets").glob("*.md"))]
ROW = re.compile(r"^\| (?:`([a-z_]+)`|a path) \| `(.+?)` \| `(.+?)` \|$", re.MULTILINE)


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def settings_of(page: Path, folder: Path) -> Any:
    """The page's configuration, loaded as an operator's file is."""
    keys = folder / "keys.jwks"
    keys.write_text(json.dumps({"keys": [Signer("EdDSA").jwk | {"kty": "OKP"}, Signer("RS256").jwk]}))
    text = re.sub(r"/etc/unkey-sync/\w+\.jwks", str(keys), blocks(page, "toml")[0])
    file = folder / "unkey-sync.toml"
    file.write_text(text)
    names = re.findall(r"env:(\w+)", text)
    found = load_settings({"HOME": "/home/nobody", **dict.fromkeys(names, "dXNlcg==:x")}, file=file)
    ((name, source),) = found.settings.sources.items()
    return name, source


def in_words(entity: Entity) -> str:
    return f"{entity.kind} {entity.id}"


def summary(event: Event) -> dict[str, Any]:
    assert event.entity is not None
    owner = {"owner": in_words(event.owner)} if event.owner else {}
    return {
        "type": event.type,
        "op": event.op.value,
        "entity": in_words(event.entity),
        **owner,
        "version": event.version,
        "body": event.body,
    }


def test_every_preset_has_a_page_that_the_reference_names(docs: str):
    pages = [page.stem for page in PAGES[1:]]

    assert pages == list(known_presets())
    assert [name for name in pages if f"presets/{name}.md" not in docs] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_example_of_a_page_means_what_the_page_says(page: Path, tmp_path: Path):
    name, source = settings_of(page, tmp_path)
    delivered, meant = blocks(page, "json")[:2]
    secrets = tuple(secret.get_secret_value().strip(":x") for secret in source.webhook_secrets)
    secrets = ("user:x",) if name == "chargebee" else secrets
    keys = frozenset({"org_id", "user_id"})
    connector = generic(source.options, name=name, secrets=secrets, metadata_keys=keys, orders=True)

    body = f"e30.{encode(delivered.encode())}.AA" if name == "kinde" else delivered
    events = connector.parse(Delivery(body.encode(), {"content-type": "application/cloudevents+json"}))

    assert source.can_receive
    assert [summary(event) for event in events] == json.loads(meant)


def test_the_table_of_operators_is_complete_and_true(docs: str):
    document = json.loads(blocks(PAGES[0], "json")[2])
    rows = ROW.findall(docs.partition("## Terms")[2])

    assert {name for name, _, _ in rows if name} == set(OPERATORS)
    for _, example, gives in rows:
        options = Options(tomllib.loads(f"term = {example}"))
        value = Terms().read(options, "term").run(Scope(document, {}, Budget()))

        assert (value.us if isinstance(value, Instant) else value) == json.loads(gives), example


def test_the_reference_names_every_kind_and_key(docs: str):
    words = set(re.findall(r"`([a-z_0-9-]+)`", docs)) | set(
        re.findall(r"^\| ([a-z, ]+) \|", docs, re.MULTILINE)
    )
    entities = {kind.value for kind in KINDS}

    missing = ({*_BUILDERS, *_HMAC_KEYS, *_JWT_KEYS} | entities) - words

    assert missing == set()

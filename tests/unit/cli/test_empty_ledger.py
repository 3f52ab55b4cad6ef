"""Commands that look, where nothing has ever run: an SQLite file is made, an empty server says what to do."""

from __future__ import annotations

import pytest
from unkey_sync.ledger import revision


@pytest.mark.parametrize(
    "command",
    [
        ("status", "--json"),
        ("subjects", "list", "--json"),
        ("events", "list", "--json"),
        ("keys", "list", "--json"),
    ],
)
def test_a_fresh_folder_is_no_error(cli, command):
    ran = cli.run(*command)

    assert ran.code == 0, ran.err
    assert ran.json is not None


def test_an_old_schema_is_refused_with_the_remedy(cli, monkeypatch):
    cli.run("db", "upgrade")
    monkeypatch.setattr(revision, "HEAD", "9999")
    monkeypatch.setattr(revision, "REVISIONS", (*revision.REVISIONS, "9999"))

    ran = cli.run("status")

    assert ran.code != 0
    assert "unkey-sync db upgrade" in ran.err

"""`unkey-sync doctor`: seeded mistakes are found, each with its remedy, and a good set-up raises no alarm."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from unkey_sync.batch import Ownership
from unkey_sync.clock import SECOND, FakeClock
from unkey_sync.doctor.broker import judge_policy
from unkey_sync.doctor.local import check_sources
from unkey_sync.doctor.report import Level, Patient
from unkey_sync.inbox import Inbox
from unkey_sync.intake import Intake
from unkey_sync.ledger import dialect, migrate
from unkey_sync.ledger.durability import weak_settings
from unkey_sync.ledger.store import Ledger
from unkey_sync.seal import Sealer
from unkey_sync.settings import load_settings
from unkey_sync_connectors.event import Kind

from tests import makers
from tests.unit.web.support import SECRET

GOOD = """\
[[plans]]
name = "free"
default = true

[sources.toy]
kind = "toy"
webhook_secrets = ["env:TOY_SECRET"]
api_key = "env:TOY_KEY"
"""


class Unkey:
    """Answers reading calls. `statuses`: by operation."""

    def __init__(self, now: int, **statuses: int) -> None:
        self.date = format_datetime(datetime.fromtimestamp(now // SECOND, UTC), usegmt=True)
        self.statuses = statuses
        self.keys: set[str] = set()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.keys.add(request.headers["authorization"])
        operation = request.url.path.rpartition(".")[2]
        return httpx.Response(
            self.statuses.get(operation, 200), headers={"date": self.date}, json={"data": []}
        )


@pytest.fixture
def good(cli):
    """A set-up in which nothing is wrong."""
    cli.write_config(GOOD)
    state = cli.folder / "state"
    state.mkdir(mode=0o700)
    cli.environment |= {
        "TOY_SECRET": SECRET,
        "TOY_KEY": "toy-api-key",
        "UNKEY_ROOT_KEY": "unkey_root",
        "UNKEY_API_ID": "api_1",
        "UNKEY_SYNC_STATE_DIR": str(state),
    }
    cli.transport = httpx.MockTransport(Unkey(cli.clock.now()))
    return cli


def found(cli: Any, level: str = "error") -> dict[str, str]:
    findings = cli.run("doctor", "--json").json["findings"]
    assert all(one["remedy"] for one in findings if one["level"] != "ok")
    return {one["check"]: one["message"] for one in findings if one["level"] == level}


def test_a_good_set_up_raises_no_alarm(good):
    ran = good.run("doctor")

    assert ran.code == 0, ran.out
    assert "ERROR" not in ran.out
    assert "WARNING" not in ran.out


def test_an_error_ends_with_exit_code_five_and_a_remedy(good):
    del good.environment["UNKEY_ROOT_KEY"]

    ran = good.run("doctor")

    assert ran.code == 5
    assert "ERROR    unkey-settings: no root key" in ran.out
    assert "         -> set UNKEY_ROOT_KEY" in ran.out


def test_a_broken_configuration_is_the_only_finding(good):
    good.environment["UNKEY_SYNC_PORT"] = "70000"

    assert list(found(good)) == ["config"]


@pytest.mark.parametrize(
    ("changes", "check", "message"),
    [
        ({"UNKEY_SYNC_BROKER_URL": "redis://127.0.0.1:1/0"}, "broker", "Redis is not reachable"),
        ({"UNKEY_SYNC_BROKER_URL": "redis://127.0.0.1:1/0"}, "combination", "SQLite"),
        ({"UNKEY_SYNC_BROKER_URL": "amqp://127.0.0.1:1//"}, "broker", "the broker is not reachable"),
        ({"UNKEY_SYNC_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "database", "not reachable"),
        ({"UNKEY_SYNC_ADMIN_TOKEN": "short"}, "admin-token", "fewer than 16"),
        ({"UNKEY_BASE_URL": "http://api.example.com"}, "unkey-settings", "unencrypted"),
        ({"UNKEY_SYNC_STATE_DIR": "/dev/null/state"}, "state-dir", "cannot be written"),
    ],
)
def test_a_wrong_variable_is_found(good, changes, check, message):
    good.environment |= changes

    assert message in found(good)[check]


@pytest.mark.parametrize(
    ("changes", "check", "message"),
    [
        ({"UNKEY_SYNC_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "combination", "in-process broker"),
        ({"UNKEY_SYNC_DATABASE_URL": "postgresql://127.0.0.1:1/x"}, "secret-key", "several machines"),
        ({"UNKEY_SYNC_SWEEP_INTERVAL": "90"}, "combination", "longer than the lease"),
    ],
)
def test_a_doubtful_variable_is_a_warning(good, changes, check, message):
    good.environment |= changes

    assert message in found(good, "warning")[check]


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        ("", "warning", "no source is configured"),
        ('[sources.toy]\nkind = "toy"\n', "error", "does nothing"),
        ('[sources.toy]\nkind = "toy"\napi_key = "env:TOY_KEY"\n', "warning", "no endpoint"),
        ('[sources.toy]\nkind = "toy"\nwebhook_secrets = ["env:TOY_SECRET"]\n', "warning", "no API key"),
    ],
)
def test_a_source_that_is_only_half_there_is_found(good, text, level, message):
    good.write_config(text)

    assert message in found(good, level)["sources"]


@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        (
            '[sources.a]\nkind = "stripe"\n[queues.q]\nurl = "sqs://r"\nqueue = "q"\nsource = "a"\n',
            Level.WARNING,
            "no API key",
        ),
        (
            '[sources.a]\nkind = "generic"\npreset = "kinde"\nverify = { jwks = { keys = [] } }\n',
            Level.OK,
            "a: webhook",
        ),
        (
            '[sources.a]\nkind = "generic"\n[queues.q]\nurl = "sqs://r"\nqueue = "q"\nsource = "a"\n',
            Level.OK,
            "a: queue",
        ),
    ],
    ids=["queue only", "public keys", "queue, and no API to have a key for"],
)
def test_a_source_that_needs_no_more_is_not_called_half_there(tmp_path, text, level, message):
    file = tmp_path / "unkey-sync.toml"
    file.write_text(text)
    loaded = load_settings({"HOME": str(tmp_path)}, file=file)

    (finding,) = check_sources(Patient(loaded=loaded, clock=FakeClock()))

    assert finding.level == level
    assert message in finding.message


def test_a_source_that_has_gone_quiet_is_found(good):
    path = good.folder / "ledger.db"
    good.environment["UNKEY_SYNC_DATABASE_URL"] = f"sqlite:///{path}"
    ledger = Ledger(f"sqlite:///{path}")
    migrate.upgrade(ledger.engine)
    inbox = Inbox(ledger, Sealer([b"k" * 32]), good.clock, Ownership(frozenset({Kind.USER}), ()))
    for _ in range(20):
        good.clock.advance(60)
        inbox.accept([Intake("toy", (replace(makers.user(), source="toy"),), b"{}")])
    ledger.close()
    good.clock.advance(600)
    before = found(good, "warning")
    shown_before = good.run("status", "--json").json["sources"]["toy"]["silence"]

    good.clock.advance(600)

    assert "arrivals" not in before
    assert found(good, "warning")["arrivals"] == "toy: nothing has come for 1200 s; usually 60 s pass"
    assert shown_before is None
    assert good.run("status", "--json").json["sources"]["toy"]["silence"] == {
        "seconds": 1200.0,
        "usual_seconds": 60.0,
    }
    assert "SILENT for 1200 s (usual gap: 60 s)" in good.run("status").out


def test_a_file_with_secrets_that_everybody_can_read_is_found(good):
    path = good.write_config(GOOD.replace("env:TOY_SECRET", SECRET))
    path.chmod(0o644)

    assert "holds secrets" in found(good)["config-file"]

    path.chmod(0o600)

    assert found(good) == {}


def test_a_doubtful_policy_is_a_warning_that_names_its_line(good):
    path = good.write_config(
        GOOD + '[[plans]]\nname = "pro"\nmatch = [{ source = "stripee", product = "p" }]\n'
    )

    message = found(good, "warning")["policy"]

    assert message.startswith(f"{path}:")
    assert "names a source that is not configured" in message


def test_key_slots_without_an_api_are_found(good):
    good.write_config(GOOD + '[[keys]]\nslot = "default"\n')
    del good.environment["UNKEY_API_ID"]

    assert "key slots" in found(good)["unkey-settings"]


def test_an_open_state_folder_is_found(good):
    (good.folder / "state").chmod(0o755)

    assert "open to everybody" in found(good, "warning")["state-dir"]


def test_a_damaged_secret_key_is_found(good):
    path = good.folder / "state" / "secret-key"
    path.write_text(base64.b64encode(b"short").decode(), encoding="ascii")
    path.chmod(0o600)

    assert "32 bytes" in found(good)["secret-key"]


def test_a_database_without_its_tables_is_found_and_a_migrated_one_is_not(good):
    path = good.folder / "ledger.db"
    path.touch()
    good.environment["UNKEY_SYNC_DATABASE_URL"] = f"sqlite:///{path}"

    assert "should be at" in found(good)["database"]

    engine = dialect.create_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()

    assert found(good) == {}


def test_looking_at_a_new_database_does_not_make_it(good):
    good.environment["UNKEY_SYNC_DATABASE_URL"] = f"sqlite:///{good.folder / 'new.db'}"

    assert found(good) == {}
    assert not (good.folder / "new.db").exists()


@pytest.mark.parametrize(
    ("status", "level", "message"),
    [
        (401, "error", "does not know this root key"),
        (403, "error", "lacks identity.*.read_identity"),
        (429, "warning", "rate limit"),
        (500, "error", "answered 500"),
    ],
)
def test_what_unkey_answers_is_explained(good, status, level, message):
    good.transport = httpx.MockTransport(Unkey(good.clock.now(), listIdentities=status))

    assert message in found(good, level)["unkey"]


def test_an_api_that_does_not_exist_is_found(good):
    good.transport = httpx.MockTransport(Unkey(good.clock.now(), getApi=404))

    assert "no API with the configured id" in found(good)["unkey"]


def test_an_unkey_that_is_away_is_found_without_showing_the_key(good):
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    good.transport = httpx.MockTransport(refuse)

    ran = good.run("doctor")

    assert "https://api.unkey.com is not reachable (ConnectError)" in ran.out
    assert "unkey_root" not in ran.out + ran.err


def test_a_clock_that_is_minutes_off_is_found(good):
    good.clock.advance(600)

    assert found(good)["unkey"] == "this machine's clock is +600 s off"


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", None])
def test_a_redis_that_may_evict_is_an_error(policy):
    assert judge_policy(policy).level is Level.ERROR


def test_a_redis_that_never_evicts_is_fine():
    assert judge_policy("noeviction").level is Level.OK


@pytest.mark.parametrize(
    ("name", "value"), [("fsync", "off"), ("full_page_writes", "off"), ("synchronous_commit", "off")]
)
def test_postgresql_without_durability_is_an_error(name, value):
    good = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}

    assert list(weak_settings(good | {name: value})) == [f"{name} = {value}"]
    assert weak_settings(good) == {}


SLOT = '[[keys]]\nslot = "default"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SLOT + 'strategy = "migrate"\n', "no migration to go through"),
        (SLOT + "notify = true\n", "but nowhere"),
        (SLOT + 'deliver = "webhook"\n', "but nowhere"),
    ],
)
def test_what_a_slot_needs_beside_it_is_asked_for(good, text, message):
    good.write_config(GOOD + text)

    assert message in found(good)["unkey-settings"]


def test_roles_of_all_keys_need_an_api_to_look_in(good):
    del good.environment["UNKEY_API_ID"]
    good.write_config(GOOD + '[key_roles]\nscope = "all"\n')

    assert "no API to look for keys in" in found(good)["unkey-settings"]


def test_a_role_that_unkey_spells_otherwise_is_found(good):
    good.write_config(GOOD + '[roles]\npro = ["read"]\nfree = []\n')
    answers = Unkey(good.clock.now())

    def unkey(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("getRole"):
            asked = json.loads(request.content)["role"]
            name = {"pro": "Pro"}.get(asked, asked)
            return httpx.Response(200, json={"data": {"id": "role_1", "name": name}})
        return answers(request)

    good.transport = httpx.MockTransport(unkey)

    assert "'pro' in other letters" in found(good)["unkey"]

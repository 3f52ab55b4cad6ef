"""P12: canaries in every secret and every personal field come out nowhere, whatever fails and whoever asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from unkey_sync.ledger.tables import metadata
from unkey_sync.seal import Sealer

from tests.e2e.deployment import POLICY
from tests.e2e.senders import CLERK_SECRET, STRIPE_SECRET
from tests.e2e.sinks import Console, Monitor, logs, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.deployment import Deployment
    from tests.e2e.senders import Letter, Writer
    from tests.e2e.upstream import Upstream
    from tests.servers import RedisServer

SLOT = """
[[keys]]
slot = "default"
prefix = "acme"
"""
ADMIN = "zebra-admin-token-of-the-test"
CLERK_API = "sk_test_zebraClerkApiKey0123456789"
PERSONAL = {
    "first name": "Zebrafirst",
    "last name": "Zebralast",
    "mail": "zebra.mail@canary.example",
    "metadata": "zebra-metadata-value",
    "organization": "Zebra Organisation Name",
    "payer": "Zebra Payer Name",
    "payer mail": "zebra.payer@canary.example",
}
WRONG = {
    "database password": "zebraDatabasePassword",
    "root key": "zebra_wrong_root_key_0123456789",
    "secret in a file": "whsec_zebraInTheFile0123456789",
    "secret that is none": "zebra not a signing secret",
}
SEEN = {
    "logs": '"level":"debug"',
    "command line": "user_zebra",
    "redis": "unkey-sync:gate:",
    "database": "user_zebra",
    "metrics": "unkey_sync_",
}
"""What each sink does tell: proof that it was read."""
WRONG_FILE = f"""
[sources.stripe]
kind = "stripe"
webhook_secrets = ["{WRONG["secret in a file"]}"]
tolerance = "soon"
"""


@pytest.fixture(scope="module")
def monitor(redis_server: RedisServer) -> Iterator[Monitor]:
    watching = Monitor(redis_server.url)
    yield watching
    watching.close()


@pytest.fixture(scope="module")
def live(deployment: Deployment, monitor: Monitor, upstream: Upstream) -> Deployment:
    """Receiver and worker that say all they can say. Clerk's API is there and knows nobody."""
    deployment.policy.write_text(POLICY + SLOT)
    deployment.environment |= {
        "UNKEY_SYNC_LOG_LEVEL": "DEBUG",
        "UNKEY_SYNC_ADMIN_TOKEN": ADMIN,
        "CLERK_SECRET_KEY": CLERK_API,
        "CLERK_API_BASE": upstream.url,
    }
    deployment.serve()
    deployment.start("worker")
    deployment.start("scheduler")
    return deployment


def person(write: Writer, user: str, event: str = "created") -> Letter:
    return write.user(
        user,
        event,
        f"first_name={PERSONAL['first name']}",
        f"last_name={PERSONAL['last name']}",
        f"email_addresses.0.email_address={PERSONAL['mail']}",
        f"public_metadata={json.dumps({'note': PERSONAL['metadata']})}",
    )


def payer(write: Writer, user: str) -> Letter:
    metadata = json.dumps({"user_id": user, "note": PERSONAL["metadata"]})
    changes = (f"email={PERSONAL['payer mail']}", f"name={PERSONAL['payer']}", f"metadata={metadata}")
    return write.stripe("customer.created", f"id=cus_{user}", *changes)


def organization(write: Writer) -> Letter:
    return write.organization("org_zebra", "created", f"name={PERSONAL['organization']}")


def fail_in_every_way(live: Deployment, write: Writer, upstream: Upstream) -> list[int]:
    """Forged, unusable and doubtful events; Unkey's errors, lost answers and nonsense. The receiver's answers."""
    upstream.fault(operation="identities.*", kind="server_error", status=500, times=2)
    upstream.fault(operation="keys.createKey", kind="drop", when="after", times=1)
    upstream.fault(operation="keys.updateKey", kind="html", status=502, times=1)
    live.send(person(write, "user_zebra"), payer(write, "user_zebra"), organization(write))
    live.settle(40)
    forged = person(write, "user_forged")
    unusable = write.clerk("user.updated", "id=null", f"first_name={PERSONAL['first name']}")
    strange = write.subscription("user_zebra", plan="zebra_plan")
    same_second = [person(write, "user_zebra", "updated") for _ in range(2)]
    answers = [
        live.post.raw("/webhooks/clerk", forged.body, {**forged.headers(), "svix-signature": "v1,AAAA"}),
        live.post.raw("/webhooks/nobody", forged.body, forged.headers()),
        live.post.raw("/webhooks/clerk", forged.body[:-9], forged.headers()),
        *[live.post.deliver(letter) for letter in (unusable, strange, *same_second)],
    ]
    live.settle(40)
    return [answer.status_code for answer in answers]


def ask_everything(console: Console, forged: Letter) -> list[int]:
    """What an operator asks when something is wrong; then with everything configured wrongly."""
    folder = console.deployment.folder
    (folder / "body.json").write_bytes(forged.body)
    (folder / "wrong.toml").write_text(WRONG_FILE)
    away = f"postgresql://zebra:{WRONG['database password']}@127.0.0.1:1/zebra"
    headers = [part for name, value in forged.headers().items() for part in ("-H", f"{name}: {value}x")]
    fine = [
        ("status", "--json"),
        ("subjects", "show", "user_zebra", "--json"),
        ("events", "list", "--json"),
        ("config", "show", "--origin"),
        ("sync", "user_zebra"),
    ]
    codes = [console.run("-vv", *one) for one in fine]
    codes += [
        console.run("-vv", "verify", "clerk", str(folder / "body.json"), *headers),
        console.run("-vv", "backfill", "clerk"),
        console.run("-vv", "doctor", UNKEY_ROOT_KEY=WRONG["root key"]),
        console.run("-vv", "status", UNKEY_SYNC_DATABASE_URL=away),
        console.run("-vv", "config", "check", UNKEY_SYNC_CONFIG=str(folder / "wrong.toml")),
        console.run("-vv", "serve", CLERK_WEBHOOK_SIGNING_SECRET=WRONG["secret that is none"]),
        console.run("-vv", "sync", "user_zebra", UNKEY_ROOT_KEY=f"{WRONG['root key']} with blanks"),
    ]
    return codes


def plaintexts(live: Deployment) -> list[str]:
    """The keys that were made: their sealed secrets, opened with the deployment's own key."""
    sealer = Sealer.from_text(live.environment["UNKEY_SYNC_SECRET_KEY"])
    with live.ledger.engine.connect() as connection:
        rows = connection.execute(metadata.tables["handovers"].select()).mappings().all()
    return [sealer.open(bytes(row["sealed"]), row["id"]).decode() for row in rows if row["sealed"]]


@pytest.mark.timeout(150)
def test_no_canary_comes_out_anywhere(
    live: Deployment, write: Writer, upstream: Upstream, monitor: Monitor
) -> None:
    console = Console(live)

    answers = fail_in_every_way(live, write, upstream)
    codes = ask_everything(console, person(write, "user_forged"))
    keys = plaintexts(live)
    sinks = {
        "logs": logs(live),
        "command line": console.text(),
        "redis": monitor.text(),
        "database": tables(live),
        "metrics": live.post.get("/metrics").text,
    }
    canaries = {
        **PERSONAL,
        **WRONG,
        "root key of Unkey": upstream.root_key,
        "Clerk's webhook secret": CLERK_SECRET.removeprefix("whsec_"),
        "Stripe's webhook secret": STRIPE_SECRET,
        "admin token": ADMIN,
        "Clerk's API key": CLERK_API,
        "sealing key": live.environment["UNKEY_SYNC_SECRET_KEY"],
        **{f"key {number}": key for number, key in enumerate(keys)},
    }
    told = [(what, where) for what, word in canaries.items() for where, text in sinks.items() if word in text]

    assert told == []
    assert answers == [401, 401, 401, 200, 200, 200, 200]
    assert codes[:5] == [0] * 5
    assert all(codes[-5:])
    assert {call["fault"] for call in upstream.calls()} >= {"server_error", "drop", "html"}
    assert {upstream.verdict(key) for key in keys} == {"VALID"}
    assert len(keys) == 2
    assert [where for where, word in SEEN.items() if word not in sinks[where]] == []
    assert live.counts().get("parked", 0) >= 2

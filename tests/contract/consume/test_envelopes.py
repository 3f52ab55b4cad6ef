"""Envelopes through real queues: CloudEvents in every mode; EventBridge and Event Grid around Stripe's events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from unkey_sync.clock import SystemClock
from unkey_sync.consume.reading import Reader
from unkey_sync.ledger.tables import events
from unkey_sync_connectors.base import SourceConfig
from unkey_sync_connectors.generic import Generic
from unkey_sync_connectors.samples import load_samples
from unkey_sync_connectors.stripe import Stripe

from tests.contract.consume import given
from tests.contract.consume.conftest import MAKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from unkey_sync.ledger.store import Ledger
    from unkey_sync_connectors.base import Connector

SHOP = Generic(SourceConfig(name="shop", kind="generic", secrets=("t",), options={"preset": "cloudevents"}))
STRIPE = Stripe(SourceConfig(name="stripe", kind="stripe"))
STRIPES_OWN = dict(load_samples("stripe")["customer.created"])
BINARY_PREFIXES = {"rabbitmq": "cloudEvents:", "redis": "ce_", "sqs": "ce-", "tansu": "ce_"}


@pytest.fixture
def make() -> Iterator[Callable[[pytest.FixtureRequest, str], Any]]:
    made: list[Any] = []

    def one(request: pytest.FixtureRequest, kind: str) -> Any:
        made.append(MAKERS[kind](request))
        return made[-1]

    yield one
    for broker in made:
        broker.remove()


def reader(connector: Connector, form: str) -> Reader:
    return Reader(source=connector.config.name, connector=connector, clock=SystemClock(), form=form)


def cloud_event(number: int) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"é {number}",
        "source": "/accounts/example",
        "type": "user.created",
        "time": "2026-01-01T00:00:00Z",
        "data": {"id": f"user_{number}"},
    }


def ids(ledger: Ledger) -> list[tuple[str, str]]:
    """Delivery and entity of every event."""
    with ledger.engine.connect() as connection:
        rows = connection.execute(events.select()).mappings()
        return sorted((row["delivery_id"], row["entity_id"]) for row in rows)


@pytest.mark.parametrize("kind", sorted(BINARY_PREFIXES))
def test_cloudevents_of_every_mode_reach_a_source_that_reads_them(
    kind: str, request: pytest.FixtureRequest, make: Callable[..., Any], sqlite_ledger: Ledger
) -> None:
    broker, prefix = make(request, kind), BINARY_PREFIXES[kind]
    broker.publish(orjson.dumps(cloud_event(1)))
    broker.publish(orjson.dumps([cloud_event(2), cloud_event(3)]))
    binary = cloud_event(4)
    data = binary.pop("data")
    attributes = {f"{prefix}{name}": value for name, value in binary.items()}
    broker.publish(orjson.dumps(data), {"content-type": "application/json", **attributes})
    store = given.Store(sqlite_ledger, expected=4)

    given.run(given.parts(broker, store, reader=reader(SHOP, "cloudevents")))

    assert ids(sqlite_ledger) == [(f"é {n}@/accounts/example", f"user_{n}") for n in (1, 2, 3, 4)]
    assert given.stored(sqlite_ledger) == {"pending": 4}
    assert broker.left() == 0


@pytest.mark.parametrize(
    ("form", "envelope"),
    [
        (
            "eventbridge",
            {"version": "0", "id": "b-1", "detail-type": "customer.created", "detail": STRIPES_OWN},
        ),
        ("eventgrid", {"id": "g-1", "topic": "/t", "eventType": "stripe", "data": STRIPES_OWN}),
        ("eventgrid", [{**cloud_event(1), "data": STRIPES_OWN}]),
        ("cloudevents", {**cloud_event(1), "data": STRIPES_OWN}),
    ],
    ids=["eventbridge", "event grid's own", "event grid's cloudevents", "cloudevents"],
)
def test_the_vendors_event_comes_out_of_its_envelope_as_the_delivery_it_is_by_http(
    form: str, envelope: Any, request: pytest.FixtureRequest, make: Callable[..., Any], sqlite_ledger: Ledger
) -> None:
    broker = make(request, "sqs")
    broker.publish(orjson.dumps(envelope))
    broker.publish(b'{"version": "0"}')
    store = given.Store(sqlite_ledger, expected=2)

    given.run(given.parts(broker, store, reader=reader(STRIPE, form)))

    (event,) = [one for one in ids(sqlite_ledger) if one[1]]
    assert event == (STRIPES_OWN["id"], STRIPES_OWN["data"]["object"]["id"])
    assert given.stored(sqlite_ledger)["parked"] == 1
    assert broker.left() == 0

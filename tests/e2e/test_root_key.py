"""The root key is revoked and given back: work halts with rare probes, nothing is parked, everything arrives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.deployment import Deployment
from tests.e2e.processes import eventually
from tests.e2e.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.senders import Writer
    from tests.servers import RedisServer

AWAY_S = 4.0
SEED = """
[[root_keys]]
name = "full"
key = "unkey_full_of_e2e"
enabled = {enabled}
[[apis]]
name = "main"
id = "api_e2e_main"
"""


class Fragile:
    """A deployment whose Unkey is restarted with its root key switched on or off; address and state stay."""

    def __init__(self, folder: Path, database: str, broker: str) -> None:
        self._seed = folder / "seed.toml"
        self._folder = folder
        self._arguments = ("--seed", str(self._seed), "--state", str(folder / "unkey.db"))
        self.upstream = self._start(enabled=True)
        self.deployment = Deployment(folder, database, broker, self.upstream)
        self.deployment.serve()
        self.deployment.start("worker")

    def switch_key(self, *, enabled: bool) -> None:
        port = str(self.upstream.port)
        self.upstream.close()
        self.upstream = self._start("--port", port, enabled=enabled)

    def close(self) -> None:
        self.deployment.close()
        self.upstream.close()

    def _start(self, *arguments: str, enabled: bool) -> Upstream:
        self._seed.write_text(SEED.format(enabled=str(enabled).lower()))
        return Upstream(self._folder, *self._arguments, *arguments)


@pytest.fixture
def fragile(tmp_path: Path, database: str, redis_server: RedisServer) -> Iterator[Fragile]:
    made = Fragile(tmp_path, database, redis_server.url)
    yield made
    made.close()


def test_a_revoked_root_key_halts_everything_and_its_return_loses_nothing(
    fragile: Fragile, write: Writer
) -> None:
    names, here = [f"user_revoked_{number}" for number in range(10)], fragile.deployment
    here.send(write.user("user_earlier"))
    here.settle()

    fragile.switch_key(enabled=False)
    here.send(*[write.user(name) for name in names])
    eventually(lambda: bool(fragile.upstream.calls()), "a refused call")
    eventually(lambda: here.json("status")["unkey"]["circuit"] in ("open", "half_open"), "an open circuit")
    time.sleep(AWAY_S)
    refused, ready = fragile.upstream.calls(), here.post.get("/readyz").status_code
    parked_meanwhile = here.parked()
    fragile.switch_key(enabled=True)
    here.settle(40)

    assert {call["status"] for call in refused} <= {401, 403}
    assert len(refused) <= 4
    assert (ready, parked_meanwhile) == (200, [])
    assert [fragile.upstream.limits(name) for name in ("user_earlier", *names)] == [[100]] * 11
    assert here.counts().get("parked", 0) == 0
    assert here.parked() == []

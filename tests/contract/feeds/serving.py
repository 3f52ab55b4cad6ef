"""A fake source behind a real port, for commands that build their own HTTP client."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.contract.feeds.worlds import World


@contextlib.contextmanager
def served(world: World) -> Iterator[str]:
    """The origin under which the world answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = world.handle_request(httpx.Request("GET", f"http://world{self.path}"))
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())

        def log_message(self, *_arguments: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

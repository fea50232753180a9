"""What stands behind the gateways: a server that takes down which requests reached it, and over how many connections."""

import contextlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, NamedTuple

LINE = "X-Line"  # the header by which a request is known again
FORBIDDEN = "/only-for-the-owner"  # where the upstream refuses by itself


class Arrival(NamedTuple):
    """A request that reached the upstream. Names of headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]


class Upstream(ThreadingHTTPServer):
    """Listens on a free port of the loopback interface."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.connections = 0
        self._arrivals: dict[str, list[Arrival]] = {}
        self._lock = Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)

    def took(self, arrival: Arrival) -> None:
        with self._lock:
            self._arrivals.setdefault(arrival.headers.get(LINE.lower(), ""), []).append(arrival)

    def taken(self) -> dict[str, list[Arrival]]:
        """What arrived since it was last asked, by line."""
        with self._lock:
            arrivals, self._arrivals = self._arrivals, {}
        return arrivals


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Upstream

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.took(Arrival(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        refused = self.path == FORBIDDEN
        body = b"not yours" if refused else b"here you are"
        self.send_response(403 if refused else 200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing; the test asks `taken`."""


for _method in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
    setattr(_Handler, f"do_{_method}", _Handler.answer)


@contextlib.contextmanager
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""The connections of the Python client: threads of a program share them."""

import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from reelworks_client import Client

THREADS = 40


class _Server(ThreadingHTTPServer):
    """Answers no request before all threads have sent one."""

    request_queue_size = THREADS

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.together = threading.Barrier(THREADS)
        self.connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_DELETE(self) -> None:
        self.server.together.wait(60)
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name of the base class
        pass


def test_every_connection_of_many_threads_is_kept_for_their_next_requests() -> None:
    # A pool that closes the surplus may close a connection that a thread has just got (encode/httpcore#1110).
    with _Server() as server, ThreadPoolExecutor(THREADS) as threads:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            with Client(f"http://127.0.0.1:{server.server_port}", "rw_key", retry_for=0) as client:
                for _ in range(3):
                    list(threads.map(client.delete, [f"generation-{number}" for number in range(THREADS)]))
        finally:
            server.shutdown()
            serving.join()
    assert server.connections == THREADS

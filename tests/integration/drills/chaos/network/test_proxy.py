import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import psycopg
import pytest

from drills.chaos.network.proxy import HOST, Link, Proxy
from schemas.settings import Settings

SOON = 10.0


class Echo(socketserver.BaseRequestHandler):
    """Echoes the received bytes."""

    def handle(self) -> None:
        with suppress(ConnectionError):
            while chunk := self.request.recv(1024):
                self.request.sendall(chunk)


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with Proxy() as proxy:
        yield proxy


@pytest.fixture
def link(proxy: Proxy) -> Iterator[Link]:
    """A link to an echo server."""
    with socketserver.ThreadingTCPServer((HOST, 0), Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield proxy.link("echo", server.server_address[1])
        server.shutdown()
        thread.join()


def connected(link: Link) -> socket.socket:
    return socket.create_connection((HOST, link.port), timeout=SOON)


def echo(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    return connection.recv(1024)


def test_link_forwards_everything(link: Link) -> None:
    with closing(connected(link)) as connection:
        assert echo(connection, b"hello") == b"hello"
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(1024) == b"", "the end of one direction is passed on, too"


def test_refused_link_resets_open_connections_and_refuses_new_ones(link: Link) -> None:
    with closing(connected(link)) as connection:
        assert echo(connection, b"hello") == b"hello"
        with link.refused():
            with pytest.raises(ConnectionResetError):
                connection.recv(1024)
            with pytest.raises(ConnectionRefusedError):
                connected(link)
    with closing(connected(link)) as connection:
        assert echo(connection, b"again") == b"again"


def test_black_hole_swallows_bytes_and_resets_at_the_end(link: Link) -> None:
    with closing(connected(link)) as connection:
        assert echo(connection, b"hello") == b"hello"
        with link.hung(forgets=True):
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                echo(connection, b"into the hole")
            connection.settimeout(SOON)
        with pytest.raises(ConnectionResetError):
            connection.recv(1024)


def test_stalled_link_delivers_everything_at_the_end(link: Link) -> None:
    with closing(connected(link)) as connection:
        with link.hung(forgets=False):
            connection.settimeout(0.3)
            with pytest.raises(TimeoutError):
                echo(connection, b"later")
            connection.settimeout(SOON)
        assert connection.recv(1024) == b"later"


def test_slow_link_delays_each_way(link: Link) -> None:
    with closing(connected(link)) as connection, link.slowed(0.2):
        asked_at = time.monotonic()
        assert echo(connection, b"slowly") == b"slowly"
        assert time.monotonic() - asked_at >= 0.4


def test_lost_commit_is_in_the_database_and_its_client_gets_an_error(proxy: Proxy, settings: Settings) -> None:
    direct = settings.database_url
    server, _, name = direct.rpartition("/")
    host, _, port = server.rpartition(":")
    link = proxy.link("postgres", int(port), is_postgres=True)
    with psycopg.connect(direct, autocommit=True) as observer:
        observer.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
        with closing(psycopg.connect(f"{host}:{link.port}/{name}")) as client, link.losing_commits(1):
            client.execute("INSERT INTO kept VALUES ('committed')")
            with pytest.raises(psycopg.OperationalError):
                client.commit()
        assert observer.execute("SELECT what FROM kept").fetchall() == [("committed",)]
        with closing(psycopg.connect(f"{host}:{link.port}/{name}")) as client:
            client.execute("INSERT INTO kept VALUES ('heard of')")
            client.commit()
        assert link.commits_lost == 1
        with closing(psycopg.connect(f"{host}:{link.port}/{name}", autocommit=True)) as client:
            client.execute("INSERT INTO kept VALUES (%s)", ["by itself"], prepare=True)
            with link.losing_commits(1):
                client.execute("SELECT what FROM kept WHERE what = %s", ["by itself"])
                with pytest.raises(psycopg.OperationalError):
                    client.execute("INSERT INTO kept VALUES (%s)", ["by itself"], prepare=True)
        assert observer.execute("SELECT count(*) FROM kept WHERE what = 'by itself'").fetchone() == (2,)
        assert link.commits_lost == 2
        observer.execute("DROP TABLE kept")

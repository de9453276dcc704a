from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from autogrowth_ops.sandbox.relay import Relay

MEGABYTE = 1_000_000


def echo(server: socket.socket) -> None:
    """Send back what each connection sends, until it ends."""
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=echo_one, args=(connection,), daemon=True).start()


def echo_one(connection: socket.socket) -> None:
    with connection:
        while chunk := connection.recv(65536):
            connection.sendall(chunk)


@pytest.fixture
def echo_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=echo, args=(server,), daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def connect(relay: Relay) -> socket.socket:
    return socket.create_connection(("127.0.0.1", relay.port), timeout=5)


def read_all(connection: socket.socket) -> bytes:
    with connection.makefile("rb") as stream:
        return stream.read()


def test_bytes_and_the_end_of_the_stream_pass_unchanged(echo_port: int):
    sent = bytes(range(256)) * 4000
    with Relay(echo_port) as relay, connect(relay) as connection:
        sender = threading.Thread(target=lambda: (connection.sendall(sent), connection.shutdown(socket.SHUT_WR)))
        sender.start()
        assert read_all(connection) == sent
        sender.join()


def test_a_round_trip_takes_the_delay_twice(echo_port: int):
    with Relay(echo_port, delay_seconds=0.05) as relay, connect(relay) as connection:
        began = time.monotonic()
        connection.sendall(b"ping")
        assert connection.recv(4) == b"ping"
        assert 0.1 <= time.monotonic() - began < 0.2


def test_the_delay_does_not_limit_throughput(echo_port: int):
    with Relay(echo_port, delay_seconds=0.05) as relay, connect(relay) as connection:
        began = time.monotonic()
        threading.Thread(target=connection.sendall, args=(b"x" * 8 * MEGABYTE,), daemon=True).start()
        with connection.makefile("rb") as stream:
            assert len(stream.read(8 * MEGABYTE)) == 8 * MEGABYTE
        assert time.monotonic() - began < 2


def test_a_frozen_relay_swallows_bytes_and_keeps_the_connection(echo_port: int):
    with Relay(echo_port) as relay, connect(relay) as connection:
        relay.freeze()
        connection.sendall(b"lost")
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_closed_connections_end_for_the_caller_and_new_ones_work(echo_port: int):
    with Relay(echo_port) as relay:
        with connect(relay) as connection:
            connection.sendall(b"a")
            assert connection.recv(1) == b"a"
            relay.close_connections()
            assert ended(connection)
        with connect(relay) as connection:
            connection.sendall(b"b")
            assert connection.recv(1) == b"b"


def test_a_target_that_refuses_ends_the_callers_connection():
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed_port = server.getsockname()[1]
    with Relay(closed_port) as relay, connect(relay) as connection:
        assert ended(connection)


def ended(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True

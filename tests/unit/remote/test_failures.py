import errno
import os
import socket

import pytest

from autogrowth_ops.remote.failures import Endpoint, not_connected, not_started, timed_out

AT = Endpoint("prod1", "deploy", "10.0.0.5", 2222)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            socket.gaierror(-2, "Name or service not known"),
            "name cannot be resolved: 10.0.0.5: Name or service not known",
        ),
        (ConnectionRefusedError(), "connection refused: nothing listens on 10.0.0.5:2222; check the port"),
        (TimeoutError("timed out"), "no answer: nothing came from 10.0.0.5:2222 in 10 s; check the address, firewall"),
        (
            OSError(errno.EHOSTUNREACH, os.strerror(errno.EHOSTUNREACH)),
            "no connection: 10.0.0.5:2222: No route to host",
        ),
    ],
)
def test_a_connection_that_cannot_be_opened_says_where_and_why(error, words):
    assert str(not_connected(AT, error, timeout_seconds=10)).startswith(f"prod1: {words}")


def test_a_jump_host_is_named_after_the_host():
    at = Endpoint("prod1", "me", "10.0.0.1", 22, jump="bastion")

    assert str(at.failure("login failed")) == "prod1: jump host bastion: login failed"


def test_a_command_that_did_not_begin_says_so():
    assert str(not_started("prod1", "no session")).startswith("prod1: command not started: no session; try again")


def test_a_command_that_could_not_be_ended_says_so():
    assert "could not be ended and may still be running there" in str(timed_out("prod1", 30, ended=False))

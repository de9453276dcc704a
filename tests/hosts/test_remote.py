"""The door to the hosts, against a real OpenSSH server."""

from __future__ import annotations

import hashlib
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autogrowth_ops.errors import CommandTimedOut, HostError, HostsFailed, Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import FabricRemote, Remote, fetch_host_key, on_hosts, open_remote, record_host_key
from tests.hosts.sshd import Sshd, free_port, is_running, make_key, public_key

MEGABYTES_20 = 20 * 1024 * 1024
LIMIT = 60.0

Open = Callable[[Host], Remote]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, without keys, and no agent."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return tmp_path


@pytest.fixture
def connect() -> Iterator[Open]:
    opened: list[Remote] = []

    def connect(host: Host) -> Remote:
        opened.append(open_remote(host, connect_timeout_seconds=LIMIT))
        return opened[-1]

    yield connect
    [remote.close() for remote in opened]


@pytest.fixture
def app1(sshd: Sshd, connect: Open) -> Remote:
    return connect(sshd.host())


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    address = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(address)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline()
    monkeypatch.setenv("SSH_AUTH_SOCK", str(address))
    yield address
    process.terminate()
    process.communicate()


@pytest.fixture
def web_server() -> Iterator[int]:
    """A port that answers, but not with SSH."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_answer_once, args=[listener], daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()


def _answer_once(listener: socket.socket) -> None:
    client, _ = listener.accept()
    with client:
        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def _jump_config(sshd: Sshd, home: Path) -> None:
    bastion = f"Host bastion\n  HostName 127.0.0.1\n  Port {sshd.port}\n  User root\n  IdentityFile {sshd.identity}\n"
    inner = f"Host inner\n  HostName 127.0.0.1\n  Port {sshd.port}\n  ProxyJump bastion\n"
    (home / ".ssh/config").write_text(bastion + inner)


# -- running scripts


def test_a_script_gives_its_exit_code_and_both_streams(app1: Remote) -> None:
    outcome = app1.run("echo out; echo err >&2; exit 3", timeout_seconds=LIMIT)

    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (3, "out\n", "err\n")


def test_text_that_is_not_ascii_or_not_utf8_arrives(app1: Remote) -> None:
    outcome = app1.run("printf '가격 ü\\n'; printf '\\377' >&2", timeout_seconds=LIMIT)

    assert (outcome.stdout, outcome.stderr) == ("가격 ü\n", "\N{REPLACEMENT CHARACTER}")


def test_quotes_backslashes_and_lines_of_a_script_arrive_unchanged(app1: Remote) -> None:
    script = """cat <<'END'\nit's "quoted" \\n \\\\ $HOME `date` !\nEND\n"""

    assert app1.run(script, timeout_seconds=LIMIT).stdout == """it's "quoted" \\n \\\\ $HOME `date` !\n"""


def test_a_script_of_a_hundred_kilobytes_runs(app1: Remote) -> None:
    assert app1.run(": " + "x" * 100_000 + "\necho end", timeout_seconds=LIMIT).stdout == "end\n"


def test_lines_are_told_as_they_come(app1: Remote) -> None:
    lines: list[str] = []

    app1.run("echo one; printf 'two\\r\\n'; printf three", timeout_seconds=LIMIT, on_line=lines.append)

    assert lines == ["one", "two", "three"]


def test_a_line_is_told_before_the_script_ends(app1: Remote, tmp_path: Path) -> None:
    go_on = tmp_path / "go-on"
    script = f"mkfifo {go_on}.pipe; echo ready; cat {go_on}.pipe"

    outcome = app1.run(script, timeout_seconds=LIMIT, on_line=lambda line: _write(line, f"{go_on}.pipe"))

    assert outcome.stdout == "ready\ngone on\n"


def _write(line: str, pipe: str) -> None:
    if line == "ready":
        Path(pipe).write_text("gone on\n")


def test_large_stdin_arrives_whole(app1: Remote) -> None:
    content = os.urandom(MEGABYTES_20)

    outcome = app1.run("sha256sum", stdin=content, timeout_seconds=LIMIT)

    assert outcome.stdout.split()[0] == hashlib.sha256(content).hexdigest()


def test_stdin_may_come_in_parts_while_stdout_goes_back(app1: Remote) -> None:
    parts = (b"0123456789abcde\n" * 65_536 for _ in range(20))

    outcome = app1.run("cat", stdin=parts, timeout_seconds=LIMIT)

    assert outcome.stdout == "0123456789abcde\n" * 65_536 * 20


def test_large_stdout_and_stderr_arrive_whole(app1: Remote) -> None:
    script = f"head -c {MEGABYTES_20} /dev/zero | tr '\\0' o; head -c {MEGABYTES_20} /dev/zero | tr '\\0' e >&2"

    outcome = app1.run(script, timeout_seconds=LIMIT)

    assert (len(outcome.stdout), len(outcome.stderr)) == (MEGABYTES_20, MEGABYTES_20)


def test_a_script_that_ends_before_it_read_its_stdin_is_no_failure(app1: Remote) -> None:
    outcome = app1.run("echo enough; exit 4", stdin=bytes(MEGABYTES_20), timeout_seconds=LIMIT)

    assert (outcome.exit_code, outcome.stdout) == (4, "enough\n")


def test_a_shell_killed_by_a_signal_ends_with_255(app1: Remote) -> None:
    assert app1.run("kill -KILL $$", timeout_seconds=LIMIT).exit_code == 255


def test_each_run_is_one_trip(app1: Remote) -> None:
    app1.run("true", timeout_seconds=LIMIT)
    app1.run("cat", stdin=b"x", timeout_seconds=LIMIT)

    assert app1.trips == 2


def test_several_scripts_run_at_the_same_time(app1: Remote) -> None:
    with ThreadPoolExecutor(8) as pool:
        said = pool.map(lambda number: app1.run(f"echo {number}", timeout_seconds=LIMIT).stdout, range(8))

    assert "".join(said).split() == ["0", "1", "2", "3", "4", "5", "6", "7"]


# -- ending scripts

SLEEPERS = "sh -c 'trap \"\" HUP; sleep 1000 & echo $!; wait' & sleep 1000 & echo $!; wait"


def test_a_script_over_its_limit_is_ended_with_what_it_started(app1: Remote) -> None:
    sleepers: list[str] = []

    with pytest.raises(CommandTimedOut, match="app1: command timed out: no end after 0.5 s; it was ended"):
        app1.run(SLEEPERS, timeout_seconds=0.5, on_line=sleepers.append)

    assert [is_running(int(pid)) for pid in sleepers] == [False, False]


def test_a_script_that_ignores_sigterm_is_killed(app1: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autogrowth_ops.remote.shell.GRACE_SECONDS", 0)
    lines: list[str] = []

    with pytest.raises(CommandTimedOut):
        app1.run("trap '' TERM; echo $$; while :; do sleep 1000; done", timeout_seconds=0.5, on_line=lines.append)

    assert not is_running(int(lines[0]))


def test_a_script_that_never_reads_its_stdin_is_ended_at_its_limit(app1: Remote) -> None:
    with pytest.raises(CommandTimedOut):
        app1.run("sleep 1000", stdin=bytes(MEGABYTES_20), timeout_seconds=0.5)


def test_ctrl_c_ends_the_script_on_the_host_first(app1: Remote) -> None:
    sleepers: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        app1.run("sleep 1000 & echo $!; wait", timeout_seconds=LIMIT, on_line=lambda pid: _interrupt(pid, sleepers))

    assert not is_running(int(sleepers[0]))


def _interrupt(pid: str, sleepers: list[str]) -> None:
    sleepers.append(pid)
    raise KeyboardInterrupt


def test_interrupt_ends_a_run_in_another_thread(app1: Remote) -> None:
    sleepers: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        app1.run(SLEEPERS, timeout_seconds=LIMIT, on_line=lambda pid: _interrupt_both(app1, pid, sleepers))

    assert [is_running(int(pid)) for pid in sleepers] == [False, False]


def _interrupt_both(remote: Remote, pid: str, sleepers: list[str]) -> None:
    sleepers.append(pid)
    if len(sleepers) == 2:
        threading.Thread(target=remote.interrupt).start()


def test_an_error_in_what_is_sent_ends_the_script_and_is_raised(app1: Remote) -> None:
    with pytest.raises(FileNotFoundError):
        app1.run("cat >/dev/null", stdin=(Path(name).read_bytes() for name in ["/missing"]), timeout_seconds=LIMIT)


def test_a_connection_that_breaks_in_the_middle_says_so(app1: Remote) -> None:
    with pytest.raises(Unreachable, match="app1: connection lost in the middle of a command"):
        app1.run("echo begun; kill -KILL $PPID; sleep 1", timeout_seconds=LIMIT)


def test_after_a_broken_connection_the_next_run_opens_a_new_one(app1: Remote) -> None:
    with pytest.raises(Unreachable):
        app1.run("kill -KILL $PPID", timeout_seconds=LIMIT)

    assert app1.run("echo back", timeout_seconds=LIMIT).stdout == "back\n"


# -- connecting


def test_nagles_algorithm_is_off(sshd: Sshd) -> None:
    remote = FabricRemote(sshd.host(), connect_timeout_seconds=LIMIT)
    sockets: list[socket.socket] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "create_connection", _noting(socket.create_connection, sockets))
        remote.open()

    assert [sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for sock in sockets] == [1]
    remote.close()


def _noting(create: Callable[..., socket.socket], sockets: list[socket.socket]) -> Callable[..., socket.socket]:
    def create_connection(*words: object, **named: object) -> socket.socket:
        sockets.append(create(*words, **named))
        return sockets[-1]

    return create_connection


def test_connecting_in_the_background_leaves_the_failure_to_the_first_run(connect: Open, sshd: Sshd) -> None:
    remote = connect(sshd.host(port=free_port()))
    remote.open(wait=False)

    with pytest.raises(Unreachable, match="connection refused"):
        remote.run("true", timeout_seconds=LIMIT)


def test_a_refused_connection_names_the_place(connect: Open, sshd: Sshd) -> None:
    port = free_port()

    with pytest.raises(Unreachable, match=f"app1: connection refused: nothing listens on 127.0.0.1:{port}; check"):
        connect(sshd.host(port=port)).open()


def test_a_name_that_does_not_exist_is_said(connect: Open, sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match="app1: name cannot be resolved: no-such-host.invalid: "):
        connect(sshd.host(address="no-such-host.invalid")).open()


def test_a_port_that_speaks_something_else_is_said(connect: Open, sshd: Sshd, web_server: int) -> None:
    with pytest.raises(Unreachable, match=f"app1: SSH handshake failed: 127.0.0.1:{web_server}: the server hung up"):
        connect(sshd.host(port=web_server)).open()


def test_a_port_that_says_nothing_is_said(sshd: Sshd) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote = open_remote(sshd.host(port=silent.getsockname()[1]), connect_timeout_seconds=0.2)

        with pytest.raises(Unreachable, match="SSH handshake failed: .*: no SSH greeting in 0.2 s"):
            remote.open()


QUIET = """
import logging, sys
from autogrowth_ops.errors import Unreachable
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import open_remote
logging.basicConfig()
try:
    open_remote(Host(name="app1", address="127.0.0.1", port=int(sys.argv[1])), 60).open()
except Unreachable:
    sys.exit(3)
"""


def test_a_failure_is_raised_and_not_printed(web_server: int) -> None:
    ended = subprocess.run([sys.executable, "-c", QUIET, str(web_server)], capture_output=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (3, b"", b"")


def test_a_ssh_config_alias_gives_address_port_key_and_known_hosts(connect: Open, sshd: Sshd, home: Path) -> None:
    alias = f"Host alias\n  HostName 127.0.0.1\n  Port {sshd.port}\n  IdentityFile {sshd.identity}\n"
    (home / ".ssh/config").write_text(f"{alias}  UserKnownHostsFile {sshd.known_hosts()}\n")

    remote = connect(sshd.host(address="alias", port=None, identity_file="", known_hosts=""))

    assert remote.run("echo hello", timeout_seconds=LIMIT).stdout == "hello\n"


def test_included_files_of_ssh_config_count(connect: Open, sshd: Sshd, home: Path) -> None:
    (home / ".ssh/config").write_text("Include more/*.conf\n")
    (home / ".ssh/more").mkdir()
    (home / ".ssh/more/a.conf").write_text(f"Host alias\n  HostName 127.0.0.1\n  Port {sshd.port}\n")

    assert connect(sshd.host(address="alias", port=None)).run("true", timeout_seconds=LIMIT).exit_code == 0


def test_a_jump_host_is_gone_through(connect: Open, sshd: Sshd, home: Path) -> None:
    _jump_config(sshd, home)

    outcome = connect(sshd.host(address="inner", port=None)).run("sha256sum", stdin=b"x" * 10**6, timeout_seconds=LIMIT)

    assert outcome.stdout.split()[0] == hashlib.sha256(b"x" * 10**6).hexdigest()


def test_a_jump_host_must_be_known(connect: Open, sshd: Sshd, home: Path) -> None:
    _jump_config(sshd, home)
    nobody = home / "empty"

    with pytest.raises(Unreachable, match="app1: jump host bastion: host key is not known: .*once with: ssh bastion"):
        connect(sshd.host(address="inner", port=None, known_hosts=str(nobody))).open()


def test_a_host_that_the_jump_host_cannot_reach_is_said(connect: Open, sshd: Sshd, home: Path) -> None:
    _jump_config(sshd, home)

    with pytest.raises(Unreachable, match="app1: no way from the jump host to 127.0.0.1:"):
        connect(sshd.host(address="inner", port=free_port())).open()


def test_jump_hosts_in_a_circle_are_said(connect: Open, sshd: Sshd, home: Path) -> None:
    (home / ".ssh/config").write_text("Host a\n  ProxyJump b\nHost b\n  ProxyJump a\n")

    with pytest.raises(Unreachable, match="app1: ssh_config cannot be used: its ProxyJump leads round in circles"):
        connect(sshd.host(address="a")).open()


# -- trusting


@pytest.mark.parametrize("key_type", ["ed25519", "ecdsa", "rsa"])
def test_the_recorded_type_of_key_is_the_one_that_is_asked_for(connect: Open, sshd: Sshd, key_type: str) -> None:
    remote = connect(sshd.host(known_hosts=str(sshd.known_hosts(key_type))))

    assert remote.run("true", timeout_seconds=LIMIT).exit_code == 0


def test_hashed_known_hosts_are_understood(connect: Open, sshd: Sshd) -> None:
    host = sshd.host()
    subprocess.run(["ssh-keygen", "-H", "-f", host.known_hosts], check=True, capture_output=True)

    assert connect(host).run("true", timeout_seconds=LIMIT).exit_code == 0


def test_an_unknown_host_key_is_refused_with_what_to_compare(connect: Open, sshd: Sshd, home: Path) -> None:
    with pytest.raises(Unreachable) as refused:
        connect(sshd.host(known_hosts=str(home / "none"))).open()

    assert str(refused.value) == (
        f"app1: host key is not known: ssh-ed25519 {_fingerprint(sshd.folder / 'host_ed25519')}; compare it with the "
        "server's own (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), then run: inv hosts.trust --host=app1"
    )


def _fingerprint(key: Path) -> str:
    shown = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], check=True, capture_output=True, text=True).stdout
    return shown.split()[1]


def test_a_changed_host_key_is_refused_with_both_fingerprints(connect: Open, sshd: Sshd, home: Path) -> None:
    other = make_key(home / "other", "ed25519")
    (home / "known").write_text(f"[127.0.0.1]:{sshd.port} {public_key(other)}")

    with pytest.raises(Unreachable, match="host key has CHANGED: .*intercepting.* --replace") as refused:
        connect(sshd.host(known_hosts=str(home / "known"))).open()

    assert f"recorded is ssh-ed25519 {_fingerprint(other)};" in str(refused.value)
    assert f"CHANGED: ssh-ed25519 {_fingerprint(sshd.folder / 'host_ed25519')}, " in str(refused.value)


def test_a_fetched_key_once_recorded_lets_one_in(connect: Open, sshd: Sshd, home: Path) -> None:
    host = sshd.host(known_hosts="")

    file = record_host_key(host, fetch_host_key(host, LIMIT), replace=False)

    assert connect(host).run("true", timeout_seconds=LIMIT).exit_code == 0
    assert (file, file.stat().st_mode & 0o777) == (home / ".ssh/known_hosts", 0o600)


def test_a_recorded_key_stands_under_the_real_address_of_an_alias(sshd: Sshd, home: Path) -> None:
    _jump_config(sshd, home)
    (home / ".ssh/known_hosts").write_text(sshd.known_hosts_line("ecdsa"))
    host = sshd.host(address="inner", port=None, known_hosts=str(home / "new/known"))

    file = record_host_key(host, fetch_host_key(host, LIMIT), replace=False)

    assert file.read_text().startswith(f"[127.0.0.1]:{sshd.port} ssh-ed25519 ")


def test_another_key_is_recorded_only_to_replace(sshd: Sshd, home: Path) -> None:
    (home / "known").write_text(f"[127.0.0.1]:{sshd.port} {public_key(make_key(home / 'other', 'ed25519'))}")
    host = sshd.host(known_hosts=str(home / "known"))
    key = fetch_host_key(host, LIMIT)

    with pytest.raises(HostError, match="app1: host key not recorded: another one is: ssh-ed25519 SHA256:"):
        record_host_key(host, key, replace=False)

    assert record_host_key(host, key, replace=True).read_text() == key.known_hosts_line + "\n"


# -- logging in


def test_a_refused_login_names_the_user_and_the_keys(connect: Open, sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match="app1: login failed: nobody-here@127.0.0.1 refused id_test; check the user"):
        connect(sshd.host(user="nobody-here")).open()


def test_without_any_key_the_login_says_how_to_get_one(connect: Open, sshd: Sshd) -> None:
    with pytest.raises(Unreachable, match="app1: login failed: no key to log in with as .*; set identity_file"):
        connect(sshd.host(identity_file="")).open()


def test_a_default_key_is_found(connect: Open, sshd: Sshd, home: Path) -> None:
    (home / ".ssh/id_ed25519").write_text(sshd.identity.read_text())

    assert connect(sshd.host(identity_file="")).run("true", timeout_seconds=LIMIT).exit_code == 0


def test_an_encrypted_key_needs_the_agent(connect: Open, sshd: Sshd, home: Path) -> None:
    locked = make_key(home / "id_locked", "ed25519", passphrase="secret")

    with pytest.raises(
        Unreachable, match="login failed: id_locked is encrypted and the agent does not hold it; run: ssh"
    ):
        connect(sshd.host(identity_file=str(locked))).open()


def test_a_key_of_the_agent_lets_one_in(connect: Open, sshd: Sshd, agent: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(sshd.identity)], check=True)

    assert connect(sshd.host(identity_file="")).run("true", timeout_seconds=LIMIT).exit_code == 0


def test_a_refused_key_of_the_agent_is_named(connect: Open, sshd: Sshd, agent: Path, home: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(make_key(home / "id_laptop", "ed25519"))], check=True)

    with pytest.raises(Unreachable, match=r"refused id_laptop of a test \(agent\); check"):
        connect(sshd.host(identity_file="")).open()


def test_an_identity_file_that_is_missing_is_said(connect: Open, sshd: Sshd) -> None:
    with pytest.raises(
        Unreachable, match="app1: identity file cannot be read: id_gone: No such file or directory; set"
    ):
        connect(sshd.host(identity_file="~/id_gone")).open()


def test_an_identity_file_that_is_no_key_is_said(connect: Open, sshd: Sshd, home: Path) -> None:
    (home / "id_text").write_text("no key")

    with pytest.raises(Unreachable, match="identity file cannot be read: id_text: it holds no private key"):
        connect(sshd.host(identity_file="~/id_text")).open()


# -- many hosts


def test_on_hosts_keeps_the_outcome_of_each(connect: Open, sshd: Sshd) -> None:
    remotes = [connect(sshd.host(name=name)) for name in ["b", "a"]]

    outcomes = on_hosts(remotes, lambda remote: remote.run("echo ok", timeout_seconds=LIMIT).stdout, at_once=2)

    assert [(host.name, said) for host, said in outcomes.items()] == [("b", "ok\n"), ("a", "ok\n")]


def test_on_hosts_names_the_host_that_failed(connect: Open, sshd: Sshd) -> None:
    remotes = [connect(sshd.host(name="good")), connect(sshd.host(name="bad", user="nobody-here"))]

    with pytest.raises(HostsFailed, match="bad: login failed") as failed:
        on_hosts(remotes, lambda remote: remote.run("true", timeout_seconds=LIMIT), at_once=2)

    assert failed.value.succeeded == ("good",)


# -- talking

TALK = """
import sys
from autogrowth_ops.model.environment import Host
from autogrowth_ops.remote import open_remote
host = Host(name="app1", address=sys.argv[1], user=sys.argv[2], port=int(sys.argv[3]), identity_file=sys.argv[4],
            known_hosts=sys.argv[5])
sys.exit(open_remote(host, 60).interact(sys.argv[6]))
"""


def _talk(host: Host, command: str) -> list[str]:
    place = [host.address, host.user, str(host.port), host.identity_file, host.known_hosts]
    return [sys.executable, "-c", TALK, *place, command]


def test_interact_passes_pipes_through(sshd: Sshd) -> None:
    words = _talk(sshd.host(), "cat; echo err >&2; exit 5")

    ended = subprocess.run(words, input=b"sent", capture_output=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (5, b"sent", b"err\n")


def test_interact_gives_the_command_a_terminal(sshd: Sshd) -> None:
    ours, theirs = pty.openpty()
    words = _talk(sshd.host(), "tty >/dev/null && echo terminal; read word; echo got $word; exit 6")
    talking = subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE)
    os.close(theirs)
    assert talking.stdout is not None and talking.stdout.readline() == b"terminal\r\n"
    os.write(ours, b"hello\r")

    assert b"got hello" in talking.communicate()[0]
    assert talking.returncode == 6
    os.close(ours)

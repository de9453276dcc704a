import pytest

from autogrowth_ops.remote.known_hosts import HostKey, judge, parse_line, preferred_algorithms, recorded_name, with_key

OLD, NEW = "AAAAC3NzaC1lZDI1NTE5AAAAIOLD", "AAAAC3NzaC1lZDI1NTE5AAAAINEW"
HASHED = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="  # 192.168.1.61, from OpenSSH's sources


def entries(text):
    return tuple(filter(None, map(parse_line, text.splitlines())))


@pytest.mark.parametrize(
    ("address", "port", "name"),
    [("App1.Example.com", 22, "app1.example.com"), ("app1", 2222, "[app1]:2222"), ("::1", 2222, "[::1]:2222")],
)
def test_a_port_other_than_22_is_part_of_the_name(address, port, name):
    assert recorded_name(address, port) == name


@pytest.mark.parametrize(
    ("names", "matches"),
    [
        ("app1", True),
        ("db,app1", True),
        ("APP1", True),
        ("app?", True),
        ("*", True),
        ("*,!app1", False),
        ("[app1]:2222", False),
        ("app", False),
        ("|1|broken", False),
    ],
)
def test_names_are_patterns(names, matches):
    assert entries(f"{names} ssh-ed25519 {OLD}")[0].matches("app1") is matches


def test_a_hashed_name_is_recognised():
    assert entries(f"{HASHED} ssh-ed25519 {OLD}")[0].matches("192.168.1.61")


@pytest.mark.parametrize("line", ["", "# app1 ssh-ed25519 AAAA", "app1 ssh-ed25519", "app1 ssh-ed25519 ???"])
def test_a_damaged_line_or_comment_records_nothing(line):
    assert parse_line(line) is None


@pytest.mark.parametrize(
    ("recorded", "verdict"),
    [
        (f"app1 ssh-ed25519 {NEW}", "known"),
        (f"app1 ssh-ed25519 {OLD}\napp1 ssh-ed25519 {NEW}", "known"),
        (f"app1 ssh-ed25519 {OLD}", "changed"),
        (f"app1 ecdsa-sha2-nistp256 {OLD}", "changed"),
        (f"app2 ssh-ed25519 {NEW}", "unknown"),
        (f"@cert-authority app1 ssh-ed25519 {NEW}", "unknown"),
        (f"app1 ssh-ed25519 {NEW}\n@revoked * ssh-ed25519 {NEW}", "revoked"),
    ],
)
def test_a_key_is_judged_by_what_is_recorded(recorded, verdict):
    assert judge(entries(recorded), HostKey("app1", "ssh-ed25519", NEW)) == verdict


def test_algorithms_of_recorded_keys_come_first():
    supported = ("ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256")

    preferred = preferred_algorithms([HostKey("app1", "ssh-rsa", OLD)], supported)

    assert preferred == ("rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256")


@pytest.mark.parametrize(
    ("before", "replace", "after"),
    [
        ("", False, f"app1 ssh-ed25519 {NEW}\n"),
        ("# mine", False, f"# mine\napp1 ssh-ed25519 {NEW}\n"),
        (f"app1 ssh-ed25519 {NEW}\n", False, f"app1 ssh-ed25519 {NEW}\n"),
        (f"app1 ssh-rsa {OLD}\n", False, f"app1 ssh-rsa {OLD}\napp1 ssh-ed25519 {NEW}\n"),
        (f"app1 ssh-rsa {OLD}\n", True, f"app1 ssh-ed25519 {NEW}\n"),
        (f"app1,app2 ssh-rsa {OLD}\n", True, f"app2 ssh-rsa {OLD}\napp1 ssh-ed25519 {NEW}\n"),
        (f"@revoked app1 ssh-rsa {OLD}\n", True, f"@revoked app1 ssh-rsa {OLD}\napp1 ssh-ed25519 {NEW}\n"),
    ],
)
def test_recording_adds_or_replaces_a_line(before, replace, after):
    assert with_key(before, HostKey("app1", "ssh-ed25519", NEW), replace=replace) == after

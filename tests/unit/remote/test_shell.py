import subprocess

import pytest

from autogrowth_ops.remote import shell

TRICKY = """it's "quoted" \\n \\\\ \\' $HOME `date` !\n"""


def test_a_quoted_word_is_one_word_again():
    said = subprocess.run(["sh", "-c", f"printf %s {shell.quoted(TRICKY)}"], capture_output=True, check=True)

    assert said.stdout.decode() == TRICKY


def test_no_backslash_stands_in_single_quotes():
    assert shell.quoted("a\\b'c") == "'a'\"\\\\\"'b'\"'\"'c'"


def test_a_command_line_names_the_process_group_it_leads():
    line = shell.command_line("echo hello >&2")

    stderr = subprocess.run(["sh", "-c", f"{line}"], stderr=subprocess.PIPE, check=True, text=True).stderr

    assert shell.group_of(stderr)
    assert shell.without_group(stderr) == "hello\n"


def test_a_stderr_without_a_group_stays_as_it_is():
    assert (shell.group_of("noise\n"), shell.without_group("noise\n")) == (None, "noise\n")


def test_a_script_that_no_kernel_takes_is_refused():
    with pytest.raises(ValueError, match="too long for one command"):
        shell.command_line("x" * 131_072)

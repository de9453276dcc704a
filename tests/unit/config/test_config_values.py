"""Variables and secrets: where their values come from, and that none ever shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrowth_ops.config import PLACEHOLDER, ensure_sandbox_secrets, load_environment, with_made_up_secrets
from autogrowth_ops.config.bindings import Binding, read_bindings
from autogrowth_ops.config.tree import Origin
from autogrowth_ops.errors import ConfigError
from autogrowth_ops.model.secret import Secret

MINIMAL = "app:\n  name: shop\n  services:\n    web: {port: 8000}\n"
DECLARED = f"{MINIMAL}secrets: [POSTGRES_PASSWORD, REDIS_PASSWORD]\n"
BOTH = "POSTGRES_PASSWORD=from-file\nREDIS_PASSWORD=other\n"
BROKEN = "cannot be read: should be NAME=value; close quotes, and quote values with line breaks"


def reveal(environment):
    return {name: secret.reveal() for name, secret in environment.secret_values.items()}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=plain", "plain"),
        ("A=", ""),
        ("export A=b", "b"),
        ("A='single $HOME ${HOME}'", "single $HOME ${HOME}"),
        ('A="two\nlines"', "two\nlines"),
        ("A=b # a comment", "b"),
        ("A={{ secrets.X | url_quote }}@b", "{{ secrets.X | url_quote }}@b"),
    ],
)
def test_a_variable_keeps_its_text(tmp_path, line, value):
    file = tmp_path / "x.env"
    file.write_text(f"# comment\n\n{line}\n")
    assert read_bindings(file) == ({"A": Binding(Origin("x.env", 3), value)}, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A=1\n\n'hunter2\n", f"3: {BROKEN}"),
        ("A='hunter2\n", f"1: {BROKEN}"),
        ("=hunter2\n", f"1: {BROKEN}"),
        ("hunter2\n", "1: cannot be read: no = on this line; write NAME= for an empty value"),
        (
            "hunter-2=x\n",
            "1: cannot be read: the name should have only letters, digits and underscores, a letter first",
        ),
        ("A=1\n# b\nA=hunter2\n", "3: A: given twice, first in line 1"),
        ("A=hunter2\0\n", "1: A: should not contain a zero byte"),
        (b"A=hunter2\nB=\xff\n", "2: cannot be read: not UTF-8"),
    ],
)
def test_a_bad_line_is_refused_without_its_value(project, refusal, text, problem):
    problems = refusal(project({"production.env": text}, production=MINIMAL))
    assert problems == (f"production.env:{problem}",)
    assert "hunter" not in "".join(problems)


def test_variables_of_an_environment_go_over_those_of_base(project):
    files = {"base.env": "A=1\nB=1\n", "production.env": "B=2\n"}
    environment = load_environment("production", project(files, production=MINIMAL))
    assert environment.variables == {"A": "1", "B": "2"}


def test_an_environment_may_have_no_variables(project):
    assert load_environment("production", project(production=MINIMAL)).variables == {}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("A={{ secrets.API_TOKEN }}", "1: A: uses the secret API_TOKEN, which is not declared in secrets"),
        ("A={{ secrets['API_TOKEN'] }}", "1: A: uses the secret API_TOKEN, which is not declared in secrets"),
        ("REDIS_PASSWORD=x", "1: REDIS_PASSWORD: is a secret; its value belongs in env/production.secrets"),
    ],
)
def test_variables_and_secrets_fit_each_other(project, refusal, line, problem):
    root = project({"production.env": line, "production.secrets": BOTH}, production=DECLARED)
    assert refusal(root) == (f"production.env:{problem}",)


@pytest.mark.parametrize("line", ["A=https://secrets.example.com", "REDIS_PASSWORD={{ secrets.REDIS_PASSWORD }}"])
def test_variables_may_name_secrets(project, line):
    root = project({"production.env": line, "production.secrets": BOTH}, production=DECLARED)
    assert load_environment("production", root).variables


def test_secrets_come_from_their_file(project):
    environment = load_environment("production", project({"production.secrets": BOTH}, production=DECLARED))
    assert reveal(environment) == {"POSTGRES_PASSWORD": "from-file", "REDIS_PASSWORD": "other"}
    assert "from-file" not in repr(environment)


def test_the_process_environment_goes_over_the_file(project, monkeypatch):
    monkeypatch.setenv("POSTGRES_PASSWORD", "from-process")
    monkeypatch.setenv("REDIS_PASSWORD", "")
    environment = load_environment("production", project({"production.secrets": BOTH}, production=DECLARED))
    assert reveal(environment) == {"POSTGRES_PASSWORD": "from-process", "REDIS_PASSWORD": "other"}


def test_one_more_file_fills_what_the_own_one_lacks(project, tmp_path):
    extra = tmp_path / "more.secrets"
    extra.write_text("REDIS_PASSWORD=from-more\nSOMETHING_ELSE=x\n")
    extra.chmod(0o600)
    root = project({"production.secrets": BOTH}, production=DECLARED)
    environment = load_environment("production", root, secrets_file=extra)
    assert reveal(environment) == {"POSTGRES_PASSWORD": "from-file", "REDIS_PASSWORD": "other"}


@pytest.mark.parametrize("text", ["", "POSTGRES_PASSWORD=\n"])
def test_all_missing_secrets_are_named_at_once(project, refusal, text):
    assert refusal(project({"production.secrets": text}, production=DECLARED)) == (
        (
            "production.secrets: no value for POSTGRES_PASSWORD, REDIS_PASSWORD;"
            " write NAME=value lines to env/production.secrets (chmod 600) or export them"
        ),
    )


def test_missing_secrets_are_named_beside_contradictions(project, refusal):
    problems = refusal(project(production=f"{DECLARED}stack: {{proxy: {{http_port: 443}}}}\n"))
    assert [problem.split(": ")[0] for problem in problems] == ["production.secrets", "production.yml:6"]


def test_without_need_missing_secrets_are_placeholders(project, monkeypatch):
    monkeypatch.setenv("POSTGRES_PASSWORD", "there")
    environment = load_environment("production", project(production=DECLARED), need_secrets=False)
    assert environment.secret_values == {"POSTGRES_PASSWORD": Secret("there"), "REDIS_PASSWORD": PLACEHOLDER}


@pytest.mark.parametrize(("mode", "shown"), [(0o644, "0644"), (0o640, "0640"), (0o604, "0604")])
def test_secrets_that_others_can_read_are_refused(project, mode, shown):
    root = project({"production.secrets": BOTH}, production=DECLARED)
    (root / "env" / "production.secrets").chmod(mode)
    with pytest.raises(ConfigError) as raised:
        load_environment("production", root, need_secrets=False)
    assert raised.value.problems == (
        f"production.secrets: readable by others (mode {shown}); run: chmod 600 env/production.secrets",
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("REDIS_PASWORD=hunter2", '3: REDIS_PASWORD: not declared in secrets; did you mean "REDIS_PASSWORD"?'),
        ("redis_pasword=hunter2", '3: not declared in secrets; did you mean "REDIS_PASSWORD"?'),
        ("hunter2=", "3: not declared in secrets"),
        ("'hunter2", f"3: {BROKEN}"),
    ],
)
def test_a_strange_line_in_the_secrets_is_refused_without_its_value(project, refusal, line, problem):
    problems = refusal(project({"production.secrets": f"{BOTH}{line}\n"}, production=DECLARED))
    assert problems == (f"production.secrets:{problem}",)


@pytest.mark.parametrize("declared", ["secrets: REDIS_PASSWORD\n", "secrets: {\n"])
def test_names_are_not_compared_with_a_list_that_cannot_be_read(project, refusal, declared):
    problems = refusal(project({"production.secrets": BOTH}, production=f"{MINIMAL}{declared}"))
    assert all(problem.startswith("production.yml") for problem in problems)


def test_a_secret_may_have_several_lines(project):
    root = project({"production.secrets": 'KEY="a\nb"\n'}, production=f"{MINIMAL}secrets: [KEY]\n")
    assert reveal(load_environment("production", root)) == {"KEY": "a\nb"}


def test_a_binding_does_not_print_its_value():
    assert repr(Binding(Origin("x.secrets", 2), "hunter2")) == "Binding(x.secrets:2)"


@given(st.text(alphabet="ab =\"'#\\\n\r\t{}$", max_size=40))
def test_any_text_of_bindings_is_read_or_refused(tmp_path_factory, text):
    file = tmp_path_factory.mktemp("bindings") / "x.env"
    file.write_bytes(text.encode())
    bindings, complaints = read_bindings(file)
    lines = len(text.splitlines())
    assert all(1 <= one.origin.line <= lines for one in (*bindings.values(), *complaints))


def test_a_sandbox_gets_its_missing_secrets_once(project, tmp_path):
    root, into = project(sandbox=f"{DECLARED}sandbox: true\n"), tmp_path / "state" / "sandbox.secrets"
    values = iter(("one", "two", "three"))
    assert ensure_sandbox_secrets("sandbox", root, into, lambda: next(values)) == (
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
    )
    assert ensure_sandbox_secrets("sandbox", root, into, lambda: next(values)) == ()
    environment = load_environment("sandbox", root, secrets_file=into)
    assert reveal(environment) == {"POSTGRES_PASSWORD": "one", "REDIS_PASSWORD": "two"}
    assert into.stat().st_mode & 0o777 == 0o600


def test_made_up_secrets_stand_beside_those_that_are_there(project, tmp_path):
    root, into = project(sandbox=f"{DECLARED}sandbox: true\n"), tmp_path / "sandbox.secrets"
    into.write_text("REDIS_PASSWORD=mine")
    into.chmod(0o600)
    ensure_sandbox_secrets("sandbox", root, into, lambda: "new")
    assert into.read_text() == "REDIS_PASSWORD=mine\nPOSTGRES_PASSWORD=new\n"
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["sandbox.secrets"]


def test_made_up_secrets_are_long_random_and_fit_a_url(project, tmp_path):
    into = tmp_path / "x.secrets"
    ensure_sandbox_secrets("development", project(development=DECLARED), into)
    first, second = (line.partition("=")[2] for line in into.read_text().splitlines())
    assert first != second
    assert min(len(first), len(second)) >= 32


def test_no_secrets_are_made_up_for_real_hosts(project, tmp_path):
    root = project(production=f"{DECLARED}hosts: {{a: {{address: b}}}}\n")
    with pytest.raises(
        ConfigError, match=r"production\.yml: not a sandbox; write its secrets to env/production.secrets"
    ):
        ensure_sandbox_secrets("production", root, tmp_path / "x.secrets")


def test_only_secrets_without_a_value_are_made_up_and_only_once(project, tmp_path):
    root, file = project({"sandbox.secrets": "REDIS_PASSWORD=mine\n"}, sandbox=DECLARED), tmp_path / "made-up"
    declared, values = load_environment("sandbox", root, need_secrets=False), iter(("one", "two"))
    first = with_made_up_secrets(declared, file, lambda: next(values))
    assert reveal(first) == {"POSTGRES_PASSWORD": "one", "REDIS_PASSWORD": "mine"}
    assert with_made_up_secrets(declared, file, lambda: next(values)) == first


@pytest.mark.parametrize(
    ("text", "mode", "problem"),
    [
        ("POSTGRES_PASSWORD=hunter2\n", 0o644, "readable by others (mode 0644)"),
        ("hunter2\n", 0o600, "no = on this line"),
        ("POSTGRES_PASSWORD=\n", 0o600, "POSTGRES_PASSWORD: given twice"),
    ],
)
def test_made_up_secrets_that_cannot_be_read_back_are_refused(project, tmp_path, text, mode, problem):
    declared, file = load_environment("sandbox", project(sandbox=DECLARED), need_secrets=False), tmp_path / "made-up"
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(ConfigError) as raised:
        with_made_up_secrets(declared, file)
    assert problem in str(raised.value)
    assert "hunter2" not in str(raised.value)

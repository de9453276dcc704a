"""How YAML is read: lines, layers, and what cannot be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrowth_ops.config import load_environment
from autogrowth_ops.config.tree import Entry, merge
from autogrowth_ops.config.validation import validated
from autogrowth_ops.config.yaml_source import parse_overrides, parse_yaml

MINIMAL = "app:\n  name: shop\n  services:\n    web: {port: 8000}\n"

PLAIN = "should be a plain text, number, true or false"
UNREADABLE = {
    "a tab": (
        "app:\n\tname: x\n",
        (
            "2: cannot be read: while scanning for the next token found character '\\t' that cannot start any token;"
            " indent with spaces, not tabs"
        ),
    ),
    "a value that begins with %": (
        "app: %x\n",
        (
            "1: cannot be read: while scanning for the next token found character '%' that cannot start any token;"
            " put the value in quotes"
        ),
    ),
    "a colon in a value": (
        "app: a: b\n",
        (
            "1: cannot be read: mapping values are not allowed here;"
            " indent keys of one section alike, and quote values that contain a colon"
        ),
    ),
    "an open quote": (
        "app: 'x\n",
        "2: cannot be read: while scanning a quoted scalar found unexpected end of stream",
    ),
    "two documents": (
        "a: 1\n---\nb: 2\n",
        (
            "2: cannot be read: expected a single document in the stream but found another document;"
            " one document is enough"
        ),
    ),
    "a control character": ("a: b\nc: \x01\n", "2: cannot be read: holds a character that YAML does not allow"),
    "endless brackets": ("[" * 1200, "1: cannot be read: holds too much, or is nested too deeply"),
    "many levels": ("a: " + "[" * 40 + "]" * 40, "1: cannot be read: holds too much, or is nested too deeply"),
    "an alias to itself": ("a: &a [*a, *a]\n", "1: cannot be read: holds too much, or is nested too deeply"),
    "a list": ("- a\n", "1: should be keys and values, such as app:"),
    "a text": ("\njust words\n", "2: should be keys and values, such as app:"),
    "latin-1": (b"a: b\nc: \xe9\n", "2: cannot be read: not UTF-8"),
}
ODD = {
    "a key given twice": ("a:\n  b: 1\n  c: 2\n  b: 3\n", "4: a/b: given twice, first in line 2"),
    "an unquoted template": (
        "a: {{ x }}\n",
        "1: a: should have texts as keys; put values that begin with { or [ in quotes",
    ),
    "a list as a key": ("? [a]\n: b\n", "1: should have texts as keys; put values that begin with { or [ in quotes"),
    "a tag of its own": ("a: !vault x\n", f"1: a: {PLAIN}"),
    "a tag of its own on a list": ("a: !vault [x]\n", "1: a: should be without the tag !vault"),
    "a tag that does not fit": ("a: !!int x\n", f"1: a: {PLAIN}"),
    "a boolean that is none": ("a: !!bool x\n", f"1: a: {PLAIN}"),
    "half a character": ('a: "\\uD800"\n', f"1: a: {PLAIN}"),
    "half a character in a key": (
        '"\\uD800": a\n',
        "1: should have texts as keys; put values that begin with { or [ in quotes",
    ),
    "an astronomical number": ("a: 99999999999999999999\n", "1: a: should be a smaller number"),
    "more digits than Python reads": (f"a: {'9' * 5000}\n", f"1: a: {PLAIN}"),
}


def plain(entry: Entry) -> object:
    """The bare values, as JSON has them."""
    if isinstance(entry.value, dict):
        return {key: plain(child) for key, child in entry.value.items()}
    return [plain(child) for child in entry.value] if isinstance(entry.value, tuple) else entry.value


@pytest.mark.parametrize(("text", "problem"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_file_that_cannot_be_read_says_where_and_why(project, refusal, text, problem):
    assert refusal(project(production=text)) == (f"production.yml:{problem}",)


@pytest.mark.parametrize(("text", "problem"), ODD.values(), ids=ODD)
def test_an_odd_entry_is_refused_with_its_line(text, problem):
    _, complaints = parse_yaml(text, "production.yml")
    assert [str(complaint) for complaint in complaints] == [f"production.yml:{problem}"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("2024-01-31", "2024-01-31"),
        ("0o17", 15),
        ("'5'", "5"),
        ("1.50", 1.5),
        ("true", True),
        ("~", None),
        ("[a, 1]", ["a", 1]),
        ("&x {b: 1}\nc: *x", {"b": 1}),
    ],
)
def test_values_are_those_of_yaml_1_2(text, value):
    entry, complaints = parse_yaml(f"a: {text}\n", "x.yml")
    assert (plain(entry)["a"], complaints) == (value, ())


def test_a_key_that_stands_twice_is_told_together_with_wrong_values(project, refusal):
    problems = refusal(project(production=f"{MINIMAL}language: fr\nlanguage: ko\n"))
    assert problems == (
        'production.yml:5: language: should be en or ko, got "fr"',
        "production.yml:6: language: given twice, first in line 5",
    )


def test_a_folder_in_place_of_a_file_cannot_be_read(project, refusal):
    root = project(production=MINIMAL)
    (root / "env" / "base.yml").mkdir()
    assert refusal(root) == ("base.yml: cannot be read: is a directory",)


def test_mistakes_of_all_files_are_listed_at_once(project, refusal):
    root = project({"production.env": "A\n", "production.secrets": "B\n"}, base="app: [\n", production="a: 1\na: 2\n")
    assert [problem.split(": ")[0] for problem in refusal(root)] == [
        "base.yml:2",
        "production.env:1",
        "production.secrets:1",
        "production.yml:2",
    ]


def test_a_byte_order_mark_is_passed_over(project):
    root = project(production=b"\xef\xbb\xbf" + MINIMAL.encode())
    assert load_environment("production", root).app.name == "shop"


def test_an_environment_goes_over_base_key_by_key(project):
    root = project(base=f"{MINIMAL}language: ko\n", production="app: {services: {web: {replicas: 3}}}\n")
    environment = load_environment("production", root)
    assert (environment.app.services["web"].port, environment.app.services["web"].replicas) == (8000, 3)
    assert environment.language == "ko"


def test_lists_are_replaced_not_joined(project):
    root = project(base=f"{MINIMAL}  test_command: [a, b]\n", production="app: {test_command: [c]}\n")
    assert load_environment("production", root).app.test_command == ("c",)


def test_null_takes_a_section_of_base_out(project):
    root = project(base=f"{MINIMAL}stack: {{redis: {{}}}}\n", production="stack: {redis: null}\n")
    assert load_environment("production", root).stack.redis is None


def test_a_mistake_in_base_is_reported_in_base(project, refusal):
    root = project(base=f"{MINIMAL}language: fr\n", production="sandbox: true\n")
    assert refusal(root) == ('base.yml:5: language: should be en or ko, got "fr"',)


def test_an_override_wins_over_the_files(project):
    root = project(production=f"{MINIMAL}policies: {{keep_releases: 4}}\n")
    overrides = {"policies.keep_releases": "3", "hosts.a.address": "10.0.0.1", "hosts.a.roles": "[app]"}
    environment = load_environment("production", root, overrides)
    assert (environment.policies.keep_releases, environment.hosts["a"].roles) == (3, ("app",))


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        ({"policies.keep_releases": "1"}, "policies/keep_releases: should be 2 to 100, got 1"),
        ({"polices.at_once": "1"}, 'polices: unknown key; did you mean "policies"?'),
        ({"policies..at_once": "1"}, '"policies..at_once": should be keys joined by dots'),
        ({"language": "[ko"}, ("language: cannot be read: while parsing a flow sequence expected ',' or ']', but got "
         "'<stream end>'")),
        ({"policies": "{at_once: 0}"}, "policies/at_once: should be 1 to 100, got 0"),
        ({"hosts.a.user": "me"}, "hosts/a/address: missing; IP address, DNS name, or an alias of your ssh_config"),
        ({"root": ""}, "root: should be text, got nothing"),
    ],
)  # fmt: skip
def test_a_wrong_override_is_named_as_one(project, refusal, overrides, problem):
    assert refusal(project(production=MINIMAL), overrides) == (f"override: {problem}",)


def test_an_override_does_not_move_the_place_of_what_is_missing(project, refusal):
    root = project(production="sandbox: true\n")
    assert refusal(root, {"language": "ko"}) == ("production.yml:1: app: missing; the application that is deployed",)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-100, 100) | st.sampled_from(["a", "/srv", "1GiB", "[", "{{ x }}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(alphabet="ab:-[]{}&*!'\"%@|>#? \n\t01.,~<\\u", max_size=60))
@settings(deadline=None)
def test_any_text_is_read_or_refused_with_a_line(text):
    entry, complaints = parse_yaml(text, "x.yml")
    assert entry is not None or complaints
    assert all(complaint.origin.line for complaint in complaints)


@given(
    st.sampled_from(["app", "hosts.a.port", "hosts", "stack.redis", "secrets", "app.services.web.limits.cpus", "root"]),
    json_values,
)
@settings(deadline=None)
def test_any_value_at_any_key_is_taken_or_refused_in_our_words(keys, value):
    base, _ = parse_yaml(MINIMAL, "x.yml")
    over, _ = parse_overrides({keys: json.dumps(value)})
    _, complaints = validated(merge(base, over))
    assert not any("something else" in complaint.text for complaint in complaints)

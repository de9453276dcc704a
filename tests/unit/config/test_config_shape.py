"""What the schema refuses, with the place of the mistake."""

from __future__ import annotations

import pytest

from autogrowth_ops.config import load_environment

MINIMAL = "app:\n  name: shop\n  services:\n    web: {port: 8000}\n"

CORES = "stack: {proxy: {limits: {cpus: 2}}}\n"
HOST = "hosts:\n  prod1:\n    address: 203.0.113.10\n"
A_NAME = "1 to 32 lower case letters, digits and inner hyphens such as web-2"
A_WRONG_NAME_AND_VALUE = f"{MINIMAL}hosts: {{Prod_1: {{address: a, port: 0}}}}\n"
SEVERAL_MISTAKES = """\
app:
  name: shop
  servces: {}
  services:
    web:
      port: 8000
      replicas: 0
hosts:
  prod1:
    user: deploy
    port: 99999
langauge: ko
"""

WRONG = {
    "a port out of range": (
        f"{MINIMAL}{HOST}    port: 99999\n",
        "8: hosts/prod1/port: should be 1 to 65535, got 99999",
    ),
    "a port that is no number": (
        f'{MINIMAL}{HOST}    port: "22a"\n',
        '8: hosts/prod1/port: should be a whole number, 1 to 65535, got "22a"',
    ),
    "a port with a fraction": (
        f"{MINIMAL}{HOST}    port: 22.5\n",
        "8: hosts/prod1/port: should be a whole number, 1 to 65535, got 22.5",
    ),
    "a port that is a boolean": (
        f"{MINIMAL}{HOST}    port: true\n",
        "8: hosts/prod1/port: should be a whole number, 1 to 65535, got true",
    ),
    "a missing address": (
        f"{MINIMAL}hosts:\n  prod1:\n    user: deploy\n",
        "6: hosts/prod1/address: missing; IP address, DNS name, or an alias of your ssh_config",
    ),
    "a missing section": (
        "language: ko\n",
        "1: app: missing; the application that is deployed",
    ),
    "an empty file": (
        "",
        "1: app: missing; the application that is deployed",
    ),
    "an unknown key near a known one": (
        f"{MINIMAL}  servces: {{}}\n",
        '5: app/servces: unknown key; did you mean "services"?',
    ),
    "an abbreviated key": (
        f"{MINIMAL}lang: ko\n",
        '5: lang: unknown key; did you mean "language"?',
    ),
    "an unknown key near none": (
        f"{MINIMAL}logging:\n  zzz: 1\n",
        "6: logging/zzz: unknown key; known are level, max_size, files",
    ),
    "an unknown key of a section with named ones": (
        f"{MINIMAL}{HOST}    adress: x\n",
        '8: hosts/prod1/adress: unknown key; did you mean "address"?',
    ),
    "a name that the file's name gives": (
        f"{MINIMAL}name: x\n",
        "5: name: is filled from the file's name; take it out",
    ),
    "a name that the key gives": (
        f"{MINIMAL}{HOST}    name: x\n",
        "8: hosts/prod1/name: is filled from its key; take it out",
    ),
    "variables in the wrong file": (
        f"{MINIMAL}variables: {{A: b}}\n",
        "5: variables: is filled from env/<name>.env; Jinja templates, as written there; take it out",
    ),
    "a section that is a text": (
        f"{MINIMAL}policies: fast\n",
        '5: policies: should be keys and values, got "fast"',
    ),
    "a section with nothing in it": (
        f"{MINIMAL}policies:\n",
        "5: policies: should be keys and values, got nothing",
    ),
    "a list of hosts": (
        f"{MINIMAL}hosts: [prod1]\n",
        "5: hosts: should be keys and values, got a list",
    ),
    "a command that is a text": (
        f"{MINIMAL}  test_command: pytest -q\n",
        '5: app/test_command: should be a list such as [a, b], got "pytest -q"',
    ),
    "a word that is a number": (
        f"{MINIMAL}  test_command:\n    - sleep\n    - 5\n",
        "7: app/test_command/1: should be text, got 5",
    ),
    "a text that is a section": (
        f"{MINIMAL}root: {{a: b}}\n",
        "5: root: should be text, got keys and values",
    ),
    "a YAML 1.1 boolean": (
        f"{MINIMAL}sandbox: yes\n",
        '5: sandbox: should be true or false, got "yes"',
    ),
    "a choice near a known one": (
        f"{MINIMAL}logging: {{level: WARN}}\n",
        '5: logging/level: should be DEBUG or INFO or WARNING or ERROR, got "WARN"; did you mean "WARNING"?',
    ),
    "a choice near none": (
        f"{MINIMAL}language: french\n",
        '5: language: should be en or ko, got "french"',
    ),
    "a choice of another type": (
        f"{MINIMAL}language: 1\n",
        "5: language: should be en or ko, got 1",
    ),
    "a role that is none": (
        f"{MINIMAL}{HOST}    roles:\n      - app\n      - db\n",
        '10: hosts/prod1/roles/1: should be app or data, got "db"',
    ),
    "the only role, which is none": (
        f"{MINIMAL}{HOST}    roles: [db]\n",
        '8: hosts/prod1/roles/0: should be app or data, got "db"',
    ),
    "no roles": (
        f"{MINIMAL}{HOST}    roles: []\n",
        "8: hosts/prod1/roles: should not be empty",
    ),
    "no services": (
        "app:\n  name: shop\n  services: {}\n",
        "3: app/services: should not be empty",
    ),
    "cores that are none": (
        f"{MINIMAL}stack: {{proxy: {{limits: {{cpus: 0}}}}}}\n",
        "5: stack/proxy/limits/cpus: should be more than 0, up to 1024, got 0",
    ),
    "cores that are no number": (
        f"{MINIMAL}stack: {{proxy: {{limits: {{cpus: .nan}}}}}}\n",
        "5: stack/proxy/limits/cpus: should be more than 0, up to 1024, got NaN",
    ),
    "more cores than any machine has": (
        f"{MINIMAL}stack: {{proxy: {{limits: {{cpus: .inf}}}}}}\n",
        "5: stack/proxy/limits/cpus: should be more than 0, up to 1024, got Infinity",
    ),
    "cores that are a boolean": (
        f"{MINIMAL}stack: {{proxy: {{limits: {{cpus: true}}}}}}\n",
        "5: stack/proxy/limits/cpus: should be a number, more than 0, up to 1024, got true",
    ),
    "cores in words": (
        f"{MINIMAL}stack: {{proxy: {{limits: {{cpus: half}}}}}}\n",
        '5: stack/proxy/limits/cpus: should be a number, more than 0, up to 1024, got "half"',
    ),
    "too few kept releases": (
        f"{MINIMAL}policies: {{keep_releases: 1}}\n",
        "5: policies/keep_releases: should be 2 to 100, got 1",
    ),
    "a size in Docker's writing": (
        f"{MINIMAL}policies: {{min_disk_free: 1g}}\n",
        '5: policies/min_disk_free: should be a size such as 512MiB or 1.5GiB, got "1g"',
    ),
    "a size without a unit": (
        f"{MINIMAL}policies: {{min_disk_free: 1024}}\n",
        "5: policies/min_disk_free: should be text, got 1024",
    ),
    "a root with a slash at its end": (
        f"{MINIMAL}root: /srv/\n",
        '5: root: should be an absolute path without a slash at its end such as /srv, got "/srv/"',
    ),
    "a relative root": (
        f"{MINIMAL}root: srv\n",
        '5: root: should be an absolute path without a slash at its end such as /srv, got "srv"',
    ),
    "an absolute source": (
        f"{MINIMAL}  source: /home/me\n",
        '5: app/source: should be a path inside the project, relative to it, got "/home/me"',
    ),
    "a health path without a slash": (
        "app: {name: shop, services: {web: {port: 1, health_path: health}}}\n",
        '1: app/services/web/health_path: should be a path that begins with a slash such as /health, got "health"',
    ),
    "a domain with a scheme": (
        f"{MINIMAL}stack: {{proxy: {{domains: ['https://a.example.com']}}}}\n",
        '5: stack/proxy/domains/0: should be a domain name such as api.example.com, got "https://a.example.com"',
    ),
    "an IP address as a domain": (
        f"{MINIMAL}stack: {{proxy: {{domains: [203.0.113.10]}}}}\n",
        '5: stack/proxy/domains/0: should be a domain name such as api.example.com, got "203.0.113.10"',
    ),
    "an address that ssh would read as an option": (
        f"{MINIMAL}hosts: {{a: {{address: -oProxyCommand=x}}}}\n",
        (
            "5: hosts/a/address: should be an IP address, a DNS name or an ssh_config alias such as 203.0.113.10,"
            ' got "-oProxyCommand=x"'
        ),
    ),
    "a login in the address": (
        f"{MINIMAL}hosts: {{a: {{address: root@b}}}}\n",
        (
            "5: hosts/a/address: should be an IP address, a DNS name or an ssh_config alias such as 203.0.113.10,"
            ' got "root@b"'
        ),
    ),
    "an app that is no DNS label": (
        "app: {name: Trading_App, services: {web: {}}}\n",
        f'1: app/name: should be {A_NAME}, got "Trading_App"',
    ),
    "a host that is no DNS label": (
        f"{MINIMAL}hosts: {{Prod_1: {{address: a}}}}\n",
        f"5: hosts/Prod_1: should be named with {A_NAME}",
    ),
    "a service that is no DNS label": (
        "app:\n  name: shop\n  services:\n    web_api: {}\n",
        f"4: app/services/web_api: should be named with {A_NAME}",
    ),
    "a key in brackets": (
        f"{MINIMAL}logging: {{'[key]': 1}}\n",
        "5: logging/[key]: unknown key; known are level, max_size, files",
    ),
    "a size with a line break at its end": (
        f'{MINIMAL}policies: {{min_disk_free: "1GiB\\n"}}\n',
        '5: policies/min_disk_free: should be a size such as 512MiB or 1.5GiB, got "1GiB\\n"',
    ),
    "an image with a line break": (
        f'{MINIMAL}  python: "python:3\\nRUN x"\n',
        '5: app/python: should be an image such as caddy:2, got "python:3\\nRUN x"',
    ),
    "a long value": (
        f"{MINIMAL}language: {'x' * 99}\n",
        f'5: language: should be en or ko, got "{"x" * 59}…',
    ),
}


@pytest.mark.parametrize(("text", "problem"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_with_its_file_and_line(project, refusal, text, problem):
    assert refusal(project(production=text)) == (f"production.yml:{problem}",)


def test_all_mistakes_are_listed_at_once_in_the_order_of_the_lines(project, refusal):
    assert refusal(project(production=SEVERAL_MISTAKES)) == (
        'production.yml:3: app/servces: unknown key; did you mean "services"?',
        "production.yml:7: app/services/web/replicas: should be 1 to 100, got 0",
        "production.yml:9: hosts/prod1/address: missing; IP address, DNS name, or an alias of your ssh_config",
        "production.yml:11: hosts/prod1/port: should be 1 to 65535, got 99999",
        'production.yml:12: langauge: unknown key; did you mean "language"?',
    )


def test_a_wrong_name_does_not_hide_what_is_wrong_under_it(project, refusal):
    assert refusal(project(production=A_WRONG_NAME_AND_VALUE)) == (
        "production.yml:5: hosts/Prod_1/port: should be 1 to 65535, got 0",
        f"production.yml:5: hosts/Prod_1: should be named with {A_NAME}",
    )


def test_a_whole_number_of_cores_is_a_number(project):
    cpus = load_environment("production", project(production=f"{MINIMAL}{CORES}")).stack.proxy.limits.cpus
    assert (cpus, type(cpus)) == (2.0, float)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("secrets: [PASSWORD=hunter2]", "secrets/0"),
        ("secrets: hunter2", "secrets"),
        ("secrets: [hunter2!]", "secrets/0"),
        ("secrets: [{hunter2: x}]", "secrets/0"),
        ("stack: {redis: {password_secret: hunter2!}}", "stack/redis/password_secret"),
        ("stack: {redis: {password: hunter2}}", "stack/redis/password"),
        ("stack: {redis: {password_secret: hunter2}}", "stack/redis/password_secret"),
    ],
)
def test_a_password_where_a_name_belongs_is_not_repeated(project, refusal, text, where):
    problems = refusal(project(production=f"{MINIMAL}{text}\n"))
    assert problems[0].startswith(f"production.yml:5: {where}: ")
    assert "hunter2" not in "".join(problems).replace(where, "")


def test_a_numeric_password_where_a_name_belongs_is_not_repeated(project, refusal):
    problems = refusal(project(production=f"{MINIMAL}secrets: [4711]\n"))
    assert problems == ("production.yml:5: secrets/0: should be text",)

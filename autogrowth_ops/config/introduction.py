"""The hand-written part of docs/configuration.md."""

from __future__ import annotations

from typing import Final

INTRODUCTION: Final = """\
# Configuration

An environment is what `env/` says under one name: `env/production.yml` and its neighbours make `--env=production`.
Without `--env` it is the one in `AUTOGROWTH_ENV`, else `production`. `env/example.yml` shows every key in use.

| file | holds | in git |
| --- | --- | --- |
| `env/base.yml` | keys that all environments share | yes |
| `env/<name>.yml` | keys of one environment: hosts, services, limits, policies | yes |
| `env/base.env`, `env/<name>.env` | variables of the application, `NAME=value` | yes |
| `env/<name>.secrets` | values of the secrets, `NAME=value`, mode 0600 | **never** |

## Where a value comes from

The later wins: the default in the tables below, `env/base.yml`, `env/<name>.yml`. Sections merge key by key; lists and
plain values are replaced. `null` takes a section such as `stack/redis` of `base.yml` out again.

Files are YAML 1.2: `yes`, `on` and `off` are texts, and a key that stands twice is an error.

## Variables

`env/<name>.env` goes over `env/base.env`. Quotes and line breaks in quotes work as in every `.env` file; `$` has no
meaning. A value may use the secrets, and `url_quote` makes any password fit into a URL:

```
DATABASE_URL=postgresql://trading_user:{{ secrets.POSTGRES_PASSWORD | url_quote }}@postgres:5432/trading_system
```

## Secrets

The `.yml` declares only names: `secrets: [POSTGRES_PASSWORD]`. A value is taken from the process environment, which is
for CI, or else from `env/<name>.secrets`, which only its owner may read:

```
$ (umask 077; echo "POSTGRES_PASSWORD=$(openssl rand -base64 24)" > env/production.secrets)
```

An environment that is thrown away (`sandbox: true`, or without hosts) can have its missing secrets made up.
No message, log or plan shows the value of a secret. Another password for Postgres or Redis is written there and
deployed: see [Deploying](deploying.md#another-password).

## When something is wrong

Nothing is touched on any host before all of `env/` is right. Every mistake is reported at once, with its file and line:

```
production.env:3: REDIS_URL: uses the secret REDIS_PASWORD, which is not declared in secrets
production.secrets: readable by others (mode 0644); run: chmod 600 env/production.secrets
production.yml:9: app/servces: unknown key; did you mean "services"?
production.yml:14: hosts/prod1/port: should be 1 to 65535, got 99999
```
"""

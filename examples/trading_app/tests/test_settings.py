import os
import subprocess
import sys

import pytest
from src.settings import BadSettings, read_settings

PRODUCTION = {
    "ENVIRONMENT": "production",
    "DATABASE_URL": "postgresql://trading_user:p%40ss@postgres:5432/trading_system",
    "REDIS_URL": "redis://:pw@redis:6379",
}


def test_production_settings_are_read_and_hide_their_passwords():
    settings = read_settings({**PRODUCTION, "RELEASE_ID": "r7", "PORT": "9000"})
    assert (settings.release, settings.port, settings.sqlite_path) == ("r7", 9000, None)
    assert "p%40ss" not in repr(settings)


def test_development_has_defaults():
    assert str(read_settings({"ENVIRONMENT": "development"}).sqlite_path) == "data/trading_system.db"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENVIRONMENT", ""),
        ("ENVIRONMENT", "staging"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "sqlite:///./data/trading_system.db"),
        ("DATABASE_URL", "postgresql://user:secret@postgres:5432"),
        ("DATABASE_URL", "postgresql://user:secret@more@postgres/trading"),
        ("DATABASE_URL", "postgresql://user:12/secret@postgres/trading"),
        ("DATABASE_URL", "postgresql://user:secret%@postgres/trading"),
        ("REDIS_URL", "http://redis"),
        ("REDIS_URL", "redis://redis:secret"),
        ("PORT", "80a"),
        ("PORT", "70000"),
        ("STOP_GRACE", "-1"),
        ("LOG_LEVEL", "LOUD"),
    ],
)
def test_a_bad_variable_is_named_and_no_secret_repeated(name, value):
    with pytest.raises(BadSettings, match=f"^{name}: ") as refused:
        read_settings({**PRODUCTION, name: value})
    assert "secret" not in str(refused.value)


def test_all_problems_are_one_line_and_exit_status_2():
    variables = {**os.environ, "ENVIRONMENT": "production", "PORT": "x", "DATABASE_URL": "", "REDIS_URL": ""}
    ended = subprocess.run([sys.executable, "main.py"], env=variables, capture_output=True, text=True, timeout=20)
    assert ended.returncode == 2
    assert ended.stderr == (
        'main.py: DATABASE_URL: missing; REDIS_URL: missing; PORT: should be an integer from 1 to 65535, got "x"\n'
    )

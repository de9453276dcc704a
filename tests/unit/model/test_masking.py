from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from autogrowth_ops.model.masking import masker
from autogrowth_ops.model.secret import MASK, Secret

PASSWORD = "p$a\"s\\s '#:비번"


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        quote(PASSWORD, safe=""),
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        repr(PASSWORD)[1:-1],
        base64.b64encode(PASSWORD.encode()).decode(),
        "p\\$a\\\"s\\\\s '#:비번",
    ],
)
def test_a_secret_is_hidden_however_it_is_written(form: str):
    assert masker([Secret(PASSWORD)])(f"before {form} after") == f"before {MASK} after"


def test_every_line_of_a_secret_is_hidden():
    assert masker([Secret("-----BEGIN\nabcdef\n")])("x abcdef y") == f"x {MASK} y"


def test_the_longest_form_goes_first():
    assert masker([Secret("abcd"), Secret("abcdef")])("abcdef abcd") == f"{MASK} {MASK}"


@pytest.mark.parametrize("short", ["", "a", "abc"])
def test_what_is_too_short_to_be_told_from_words_stays(short: str):
    assert masker([Secret(short)])("abc a b") == "abc a b"


def test_without_secrets_every_text_stays():
    assert masker([])("a text") == "a text"

from __future__ import annotations

import re

import pytest

from autogrowth_ops.model.texts import TEXTS, text


@pytest.mark.parametrize("key", TEXTS)
def test_every_text_is_there_in_both_languages(key: str):
    assert set(TEXTS[key]) == {"en", "ko"}
    assert all(TEXTS[key].values())


@pytest.mark.parametrize("key", [key for key in TEXTS if key != "kept"])
def test_both_languages_have_the_same_places(key: str):
    english, korean = (set(re.findall(r"{\d}", TEXTS[key][language])) for language in ("en", "ko"))
    assert english == korean


def test_values_take_their_places():
    assert text("ko", "replicas", "web", 1, 2) == "web: 2개 중 1개 실행 중"

"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, empty if none is near; one that it begins or abbreviates is."""
    from difflib import get_close_matches

    words = sorted(known)
    longer = [one for one in words if word and one.lower().startswith(word.lower())]
    if len(longer) == 1:
        return longer[0]
    lowered = {one.lower(): one for one in words}
    near = get_close_matches(word.lower(), lowered, n=1)
    return lowered[near[0]] if near else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "services"?`, empty if nothing is near."""
    near = closest(word, known)
    return f'; did you mean "{near}"?' if near else ""


def meant_or_known(word: str, known: Iterable[str]) -> str:
    """The suggestion, or else all that is known."""
    words = tuple(known)
    return did_you_mean(word, words) or f"; known are {', '.join(words)}"

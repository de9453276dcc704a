from __future__ import annotations

import pytest

from autogrowth_ops.model.check import Check, Verdict, worst


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], "failed"),
        (["passed"], "passed"),
        (["passed", "warning"], "warning"),
        (["warning", "failed", "passed"], "failed"),
    ],
)
def test_the_gravest_verdict_counts(verdicts: list[Verdict], expected: Verdict):
    assert worst(Check("app1", "api", verdict, "") for verdict in verdicts) == expected

"""Storage that fails at every 7th write, fsync and rename of a study: the answer, or one line and an exit code; a re-run always answers."""

from __future__ import annotations

import pytest
from faults.campaign import FUNCTIONS, Campaign, build_shim


@pytest.mark.slow
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_study_survives_a_failing_disk(tmp_path, function):
    shim = build_shim(tmp_path)
    if shim is None:
        pytest.skip("there is no C compiler to build the shim with")
    rows = list(Campaign(tmp_path, shim).rows([function], every=7, upto=60))
    assert rows and [row.cells() for row in rows if not row.is_fine] == []

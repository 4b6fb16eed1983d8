"""Names of nodes as module names."""

from __future__ import annotations

import pytest

from blockspace.graph import attribute
from blockspace.graph.names import TAKEN

OURS = {"add_submodule", "delete_submodule", "output", "input", "meta", "graph", "code"}


def test_the_list_is_torchs_own():
    fx = pytest.importorskip("torch.fx")
    nn = pytest.importorskip("torch.nn")
    theirs = {name for name in {*dir(fx.GraphModule), *dir(nn.Module)} if not name.startswith("_")}
    assert theirs <= TAKEN, sorted(theirs - TAKEN)
    assert TAKEN - theirs <= OURS | {"training"}, sorted(TAKEN - theirs)


@pytest.mark.parametrize("name, module", [("3a", "_3a"), ("train", "train_"), ("class", "class_"), ("conv", "conv"), ("x1", "x1")])
def test_names_that_torch_or_python_use(name, module):
    assert attribute(name) == module

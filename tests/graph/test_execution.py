"""The names of layers are attributes of a module."""

from __future__ import annotations

import pytest

from blockspace.graph import to_attribute
from blockspace.graph.execution import RESERVED_ATTRIBUTES

OURS = {"add_submodule", "delete_submodule", "output", "input", "meta", "graph", "code"}


def test_the_list_is_torchs_own():
    fx = pytest.importorskip("torch.fx")
    nn = pytest.importorskip("torch.nn")
    theirs = {name for name in {*dir(fx.GraphModule), *dir(nn.Module)} if not name.startswith("_")}
    assert theirs <= RESERVED_ATTRIBUTES, sorted(theirs - RESERVED_ATTRIBUTES)
    assert RESERVED_ATTRIBUTES - theirs <= OURS | {"training"}, sorted(RESERVED_ATTRIBUTES - theirs)


@pytest.mark.parametrize("name, module", [("3a", "_3a"), ("train", "train_"), ("class", "class_"), ("conv", "conv"), ("x1", "x1")])
def test_names_that_torch_or_python_use(name, module):
    assert to_attribute(name) == module

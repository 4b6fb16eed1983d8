"""What must stay cheap: the faces of data, train and report, and descriptions of data, without torch."""

import subprocess
import sys
from types import FunctionType

import pytest

import blockspace.data
import blockspace.reporting
import blockspace.training

CHEAP = """
import sys
import blockspace.data as data
import blockspace.training as train
assert data.describe("digits") == ((1, 16, 16), 10)
assert data.describe({"name": "cifar100", "size": 24}) == ((3, 24, 24), 100)
data.check_data("digits")
data.DataSpec
train.read_recipe({"epochs": 2, "augment": ["crop"]})
train.Diverged, train.FitResult, train.Scores
import blockspace.reporting
blockspace.reporting.compare_families, blockspace.reporting.results_csv, blockspace.reporting.answer_table
heavy = {"torch", "torchvision", "lightning", "sklearn", "rich", "optuna"} & set(sys.modules)
assert not heavy, heavy
"""


def test_describing_and_reading_import_no_torch():
    done = subprocess.run([sys.executable, "-c", CHEAP], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("face", [blockspace.data, blockspace.training, blockspace.reporting])
def test_every_public_name_exists_and_has_a_docstring(face):
    for name in face.__all__:
        value = getattr(face, name)
        assert value.__doc__ or not isinstance(value, (type, FunctionType)), name
    with pytest.raises(AttributeError, match="attribute nothing"):
        face.nothing  # noqa: B018

"""The fake trainings of tests/searching are importable here, also in the workers, which get the driver's path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "searching"))

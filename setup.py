"""The build step that pyproject.toml has no word for: a wheel brings the studies and search spaces, which lie beside the package."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithStudies(build_py):
    """Copy `studies/` and `searchspaces/` to `blockspace/shipped/` of what is built. An editable install finds them where they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        for folder in ("studies", "searchspaces"):
            target = Path(self.build_lib, "blockspace", "shipped", folder)
            target.mkdir(parents=True, exist_ok=True)
            for path in sorted(Path(folder).glob("*.yaml")):
                shutil.copyfile(path, target / path.name)


setup(cmdclass={"build_py": BuildWithStudies})

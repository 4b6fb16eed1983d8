"""Pictures: the images of a torch Dataset whose items are (image, label), by index."""

from __future__ import annotations

from typing import Any


class Pictures:
    """The images of a Dataset of pairs."""

    def __init__(self, dataset: Any):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[int(index)][0]

"""The published model behind a network: its layers under its library's names, without weights, and the weights the library offers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
from torch import nn

from blockspace.blocks import LIBRARIES, Network, parse_reference
from blockspace.compiler.weights.read_checkpoint import State
from blockspace.errors import BlockspaceError, did_you_mean, error

HALVES = {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
INCEPTIONS = ("googlenet", "inception_v3")  # torchvision's turn ImageNet's normalisation into this one inside; and have heads for training
PRIVATE = ("aux1.", "aux2.", "AuxLogits.")  # those heads


@dataclass(frozen=True)
class ReferenceModel:
    """A library's model: `torchvision` or `timm`, its name there, settings of its constructor."""

    library: str
    name: str
    settings: dict[str, Any]

    def __str__(self) -> str:
        given = ", ".join(f"{key}={value!r}" for key, value in self.settings.items())
        return f"{self.library}:{self.name}" + (f"({given})" if given else "")

    def module(self, classes: int | None = None) -> nn.Module:
        """Return the model in eval mode, on the meta device where its constructor allows that."""
        given = self.settings | ({} if classes is None else {"num_classes": classes})
        with torch.device("meta"):
            module = self.built(given)
        kept = {name for name, _ in module.named_buffers()} <= module.state_dict().keys()
        return (module if kept else self.built(given)).eval()

    def built(self, given: dict[str, Any]) -> nn.Module:
        """Return the library's constructor, its weights as it draws them."""
        if self.library == "timm":
            import timm

            model: nn.Module = timm.create_model(self.name, **given)
            return model
        from torchvision.models import get_model

        extra = {"aux_logits": False, "init_weights": False} if self.name in INCEPTIONS else {}
        published: nn.Module = get_model(self.name, **extra, **given)
        return published

    def download(self) -> tuple[State, dict[str, Any]]:
        """Return the library's own weights, by its own download and cache, and how their images were normalised (`mean`, `std`).

        Raises BlockspaceError: E-WEIGHTS when it has none for this model, E-FILE when they cannot be fetched.
        """
        if self.settings:
            raise error("E-WEIGHTS", f"{self.library} has no weights for {self}", help="give the path of a checkpoint")
        try:
            return (download_timm if self.library == "timm" else download_torchvision)(self.name)
        except BlockspaceError:
            raise
        except Exception as reason:  # each library, and each way to fetch, has exceptions of its own
            message = (str(reason).strip().splitlines() or [type(reason).__name__])[0]
            if "No pretrained weights exist" in message:
                raise error("E-WEIGHTS", f"{self.library} has no weights for {self}", help="give the path of a checkpoint") from None
            help = "fetch them where there is a network, and give the path: source='FILE.pth'"
            raise error("E-FILE", f"the weights of {self} cannot be downloaded: {message}", help=help) from reason


def download_torchvision(name: str) -> tuple[State, dict[str, Any]]:
    """Return torchvision's default weights of a model, and how their images were normalised."""
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)
    if not len(weights):
        raise error("E-WEIGHTS", f"torchvision has no weights for {name}", help="give the path of a checkpoint")
    best = weights.DEFAULT
    about = HALVES if name in INCEPTIONS else {key: tuple(getattr(best.transforms(), key)) for key in ("mean", "std")}
    return dict(best.get_state_dict(progress=False, check_hash=True)), {"weights": str(best)} | about


def download_timm(name: str) -> tuple[State, dict[str, Any]]:
    """Return timm's default weights of a model, and how their images were normalised."""
    import timm

    model = timm.create_model(name, pretrained=True)
    found = vars(model)["pretrained_cfg"]
    tag = ".".join(word for word in (name, found.get("tag")) if word)
    return dict(model.state_dict()), {"weights": tag, "mean": tuple(found["mean"]), "std": tuple(found["std"])}


def has_model(library: str, name: str) -> bool:
    """Return whether the library is installed and has a model of this name."""
    if library == "timm":
        if find_spec("timm") is None:
            return False
        import timm

        return timm.is_model(name)
    from torchvision.models import list_models

    return name in list_models()


def find_reference(network: Network, library: str) -> ReferenceModel:
    """Return the network's model in a library: what its `reference:` names, or the model of its own or its reference's name.

    Raises BlockspaceError (E-WEIGHTS) when the library has neither.
    """
    found = next((one for one in list_references(network) if one.library == library), None)
    if found is None:
        if library == "timm" and find_spec("timm") is None:
            raise error("E-WEIGHTS", f"timm has the weights of {network.name}, and is not installed", help="pip install timm")
        message = f"its reference is {network.reference}" if network.reference else "its file names no reference"
        help = f"{message}; give source={'torchvision' if library == 'timm' else 'timm'!r}, or the path of a checkpoint"
        raise error("E-WEIGHTS", f"{library} has no model called {network.name!r}", help=help)
    return found


def list_references(network: Network) -> Iterator[ReferenceModel]:
    """Yield the models that a checkpoint of a network may be of: its reference, then models of the same name in each library."""
    found = parse_reference(network.reference)
    if found is not None and (found.library != "timm" or find_spec("timm")):
        yield ReferenceModel(*found)
    for library in LIBRARIES:
        for name in dict.fromkeys((network.name, found.name if found else network.name)):
            plain = found is None or not found.settings
            if (found is None or library != found.library) and plain and has_model(library, name):
                yield ReferenceModel(library, name, {})
                break


def check_library(source: str) -> str:
    """Return the name of a library, `torchvision` or `timm`. Raises BlockspaceError (E-NAME) for another."""
    if source not in LIBRARIES:
        help = did_you_mean(source, LIBRARIES) or f"{', '.join(LIBRARIES)}, or the path of a checkpoint"
        raise error("E-NAME", f"no weights at {source!r}", help=help)
    return source

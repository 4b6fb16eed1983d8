"""blockspace export: write a network as files that run without blockspace."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

    from blockspace.blocks import Block, Network


def check_order(target: str, folder: str) -> None:
    """Raise BlockspaceError (E-KEY) for a setting where the network or the folder is expected; `./a=b` is a folder of that name."""
    from blockspace.errors import error

    for text, what in ((target, "the network"), (folder, "the folder to write")):
        if "=" in text and os.sep not in text:
            first = "NETWORK" if text == target else target
            message = f"{text!r} stands where {what} is expected; settings come behind the folder"
            raise error("E-KEY", message, help=f"blockspace export {first} FOLDER {text}")


def apply_settings(target: str, settings: list[str]) -> str | Block | Network:
    """Return the target with its settings bound, or as typed without any. Raises BlockspaceError (E-KEY) for what takes none."""
    if not settings:
        return target
    from blockspace.blocks import find_target, load
    from blockspace.cli.arguments import parse_settings
    from blockspace.errors import error

    given = parse_settings(settings)
    if "input" in given:
        raise error("E-KEY", "a network is exported at its own input shape", help="write it into a copy's `input:`: blockspace cp")
    if find_target(target).folder is not None:
        raise error("E-KEY", f"{target} is a trained network, which has no settings, got {', '.join(given)}", help="leave them out")
    return load(target, **given)


def register(app: Typer) -> None:
    """Add the command to the app."""
    import typer

    from blockspace.cli.complete import complete_networks
    from blockspace.exporting import DEFAULT_FORMATS, EXPORT_FORMATS

    @app.command(epilog="blockspace export runs/hs_vs_resnext#17 out/ --to py,onnx,safetensors,pt2")
    def export(
        target: str = typer.Argument(
            help="RUN#NUMBER or RUN#NAME, an exported folder, a YAML file, or a library network", autocompletion=complete_networks
        ),
        folder: str = typer.Argument(help="the folder to write"),
        settings: list[str] = typer.Argument(None, help="params and holes of the network as key=value"),
        to: str = typer.Option(",".join(DEFAULT_FORMATS), help=f"Formats: {', '.join(EXPORT_FORMATS)}."),
        weights: str = typer.Option(None, help="A checkpoint of ours, torchvision's or timm's, or: torchvision, timm."),
        deploy: bool = typer.Option(False, "--deploy", help="In the form for inference alone: norms folded in; files named model_deploy."),
        force: bool = typer.Option(False, "--force", help="Replace the folder when it is there."),
    ) -> None:
        """Write a network as plain PyTorch code, weights and ONNX, each checked before it is kept."""
        from blockspace.study import export as write

        check_order(target, folder)
        formats = [word.strip() for word in to.split(",") if word.strip()]
        done = write(apply_settings(target, settings or []), folder, formats, weights, force, deploy)
        for name, size in done.sizes.items():
            print(f"{done.folder}/{name}  {size:,} bytes")
        worst = max(done.differences.values(), default=0.0)
        print(f"largest difference to the module: {worst:.2g} (checked at batch 1, 3 and 8)")

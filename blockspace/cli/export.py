"""blockspace export: write a network as files that run without blockspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer


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
        to: str = typer.Option(",".join(DEFAULT_FORMATS), help=f"Formats: {', '.join(EXPORT_FORMATS)}."),
        weights: str = typer.Option(None, help="A checkpoint of ours, torchvision's or timm's, or: torchvision, timm."),
        deploy: bool = typer.Option(False, "--deploy", help="In the form for inference alone: norms folded in; files named model_deploy."),
        force: bool = typer.Option(False, "--force", help="Replace the folder when it is there."),
    ) -> None:
        """Write a network as plain PyTorch code, weights and ONNX, each checked before it is kept."""
        from blockspace.study import export as write

        done = write(target, folder, [f.strip() for f in to.split(",") if f.strip()], weights, force, deploy)
        for name, size in done.sizes.items():
            print(f"{done.folder}/{name}  {size:,} bytes")
        worst = max(done.differences.values(), default=0.0)
        print(f"largest difference to the module: {worst:.2g} (checked at batch 1, 3 and 8)")

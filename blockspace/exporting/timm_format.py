"""The timm format: a file that registers the network with timm, and config.json for `timm.create_model("local-dir:FOLDER")`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from blockspace.compiler import default_config, python_name, to_timm_source
from blockspace.errors import error
from blockspace.exporting.export_job import ExportJob

CONFIG = "config.json"
# of RGB images whose own statistics are not known
IMAGENET: dict[str, tuple[float, ...]] = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
CHECK = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
name = importlib.import_module(sys.argv[2]).__name__
import timm, torch
from safetensors.torch import load_file, save_file
torch.set_num_threads(1)
model, local = (timm.create_model(source, pretrained=True).eval() for source in (name, "local-dir:" + sys.argv[1]))
maps = timm.create_model(name, pretrained=True, features_only=True).eval()
assert "blockspace" not in sys.modules
given = load_file(sys.argv[3])
with torch.inference_mode():
    for key in list(given):
        x = given.pop(key)
        given[key + ".name"], given[key + ".local"] = model(x).contiguous(), local(x).contiguous()
        given[key + ".split"] = model.forward_head(model.forward_features(x)).contiguous()
    for found, one in zip(maps(x), maps.feature_info.get_dicts(), strict=True):
        assert found.shape[1] == one["num_chs"], (found.shape, one)
save_file(given, sys.argv[4])
"""


def check_timm() -> None:
    """Check that timm can be imported. Raises BlockspaceError (E-KEY)."""
    if find_spec("timm") is None:
        raise error("E-KEY", "the export format timm needs timm, which is not installed", help="pip install timm, or leave the format out")


def choose_timm_name(network: str) -> str:
    """Return the name to register: the network's own as Python can write it, with `bs_` before it where timm has a model of that name."""
    import timm

    name = python_name(network)
    return f"bs_{name}" if timm.is_model(name) else name


def write_timm_files(job: ExportJob, weights: Path) -> dict[str, list[torch.Tensor]]:
    """Write NAME.py and config.json, and return the outputs of timm's models of them, loaded in a fresh interpreter.

    Raises BlockspaceError (E-SHAPE) for a network without a head that can be told apart; RuntimeError with the last line of its errors.
    """
    name = choose_timm_name(job.graph.name)
    about = {"interpolation": "bilinear", "crop_pct": 1.0, **default_statistics(job.graph.input_shape[0]), **describe_images(job)}
    (job.folder / f"{name}.py").write_text(print_timm_source(job, name, about, weights.name), encoding="utf-8")
    found = default_config(job.graph)
    features = found.pop("num_features")
    config = {"architecture": name, "num_classes": found["num_classes"], "num_features": features, "pretrained_cfg": found | about}
    if job.facts and job.facts.is_trained:
        config["training"] = job.facts.as_dict()
    (job.folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    return run_in_fresh_interpreter(job, name)


def describe_images(job: ExportJob) -> dict[str, Any]:
    """Return what timm asks of a training's images: statistics in 0..1, and the names of the classes."""
    if job.facts is None:
        return {}
    known = {"mean": job.facts.mean, "std": job.facts.std, "label_names": job.facts.classes}
    return {name: value for name, value in known.items() if value}


def print_timm_source(job: ExportJob, name: str, about: dict[str, Any], weights: str) -> str:
    """Return the text of NAME.py, with what is known of the training in its docstring."""
    if job.facts is None:
        return to_timm_source(job.graph, name, about, weights)
    return to_timm_source(job.graph, name, about, weights, job.facts.document(f"{job.graph.name}, trained by blockspace"))


def default_statistics(channels: int) -> dict[str, tuple[float, ...]]:
    """Return how images are normalised when nothing else is known."""
    return IMAGENET if channels == 3 else {"mean": (0.5,) * channels, "std": (0.5,) * channels}


def run_in_fresh_interpreter(job: ExportJob, name: str) -> dict[str, list[torch.Tensor]]:
    """Return the outputs in an interpreter of its own, by way of loading: registered, from the folder, in two steps."""
    with TemporaryDirectory() as folder:
        given, made = Path(folder) / "given", Path(folder) / "made"
        save_file({str(i): x.contiguous() for i, (x, _) in enumerate(job.examples)}, given)
        words = [sys.executable, "-B", "-c", CHECK, str(job.folder.resolve()), name, str(given), str(made)]
        paths = os.pathsep.join(path for path in sys.path if path)
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}, cwd=folder)
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or ["it ended without a word"])[-1])
        found = load_file(made)
    return {way: [found[f"{i}.{way}"] for i in range(len(job.examples))] for way in ("name", "local", "split")}

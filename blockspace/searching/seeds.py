"""Seeds are pure functions of what they are for, so that a resumed search draws what the uninterrupted one would have drawn."""

from __future__ import annotations

from hashlib import sha256


def derive(*parts: int | str) -> int:
    """A 32-bit seed from any parts; equal parts, equal seed, on every machine."""
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")


def training_seed(seed: int, key: str, replicate: int = 0) -> int:
    """The seed of one training: f(study seed, the network's key, replicate). Neither the trial's number nor its worker enters."""
    return derive("training", seed, key, replicate)

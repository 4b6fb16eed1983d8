"""Batches: what is done to images on their way from a split to a training step."""

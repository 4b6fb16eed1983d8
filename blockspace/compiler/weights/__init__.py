"""Weights: read from checkpoints, carried from one form or module to another."""

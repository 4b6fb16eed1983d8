"""Expansion: flows become graphs, node by node."""

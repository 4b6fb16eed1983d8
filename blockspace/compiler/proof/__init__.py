"""Proofs of rewrite rules, by numbers: both sides as modules, compared; and the counter-example where they differ."""

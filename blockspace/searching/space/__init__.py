"""Search spaces: holes, the unknowns solved for a budget, the candidates, and the matching of a block with a space."""

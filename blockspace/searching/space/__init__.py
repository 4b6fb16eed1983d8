"""What can be searched: a space's holes, the unknowns solved to a budget, and the candidates that come of them."""

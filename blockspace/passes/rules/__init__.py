"""The rules, one a file; importing `blockspace.passes` finds them."""

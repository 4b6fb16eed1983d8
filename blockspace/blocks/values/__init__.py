"""Values: exact numbers, expressions over names, and what a node means where it is used."""

"""What a search keeps: the study's database, the rows it is read as, and what other runs have trained."""

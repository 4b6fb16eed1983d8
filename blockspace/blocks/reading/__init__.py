"""What is written: a file of YAML, its vocabulary, its flows and params, checked as far as can be without values."""

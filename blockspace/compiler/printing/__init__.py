"""Graph -> a Python file: which classes, what numbers and names they have, and how the text is laid out."""

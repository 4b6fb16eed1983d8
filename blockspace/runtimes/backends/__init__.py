"""The runtimes, one a file; `load_runtime` imports the file of that name."""

"""Networks of the library beside their references; a package, so that `from library import peers` is this one."""

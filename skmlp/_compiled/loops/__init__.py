"""Loops that numba compiles; imported only where they are used."""

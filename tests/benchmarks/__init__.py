"""Benchmarks: each compares in one run, prints a table, and can write it as JSON."""

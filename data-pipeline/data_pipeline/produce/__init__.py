"""Puts transactions, and what becomes known about them, on the log: a live world or a replay of files."""

"""Served feature vectors recomputed offline, and how many features of them differ."""

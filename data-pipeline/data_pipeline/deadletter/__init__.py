"""Dead letters: looked at, and replayed after repair."""

"""A world to watch: customers, merchants and fraud stories that follow from a seed."""

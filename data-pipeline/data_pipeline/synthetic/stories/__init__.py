"""Fraud stories: each one module, drawn relative to the customer it happens to."""

"""A real Kubernetes cluster of one node for tests, built from published modules. `python -m` runs it."""

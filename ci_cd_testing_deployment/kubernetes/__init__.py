"""Manifests of the product, and the cluster that they are tested on."""

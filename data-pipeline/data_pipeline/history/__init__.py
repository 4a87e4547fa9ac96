"""History as files: written from a synthetic world, imported from anywhere, or read back from the live log."""

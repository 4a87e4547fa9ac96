"""One module for each family of features: what they are, and the compiled function that computes them."""

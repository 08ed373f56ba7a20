"""Training of learned fusions."""

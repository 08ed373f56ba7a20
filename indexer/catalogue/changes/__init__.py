"""Changes to the catalogue: one batch, one transaction."""

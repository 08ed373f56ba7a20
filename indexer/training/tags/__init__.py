"""Training of tag heads."""

"""Fused rows in mapped files: scoring, finding the best rows, and the compressed index."""

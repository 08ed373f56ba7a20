"""Fused rows in mapped files: their scores, the best of them, and the compressed index."""

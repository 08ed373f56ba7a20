"""Recall@k, ranks, and how sure a figure is."""

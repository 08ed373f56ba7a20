"""Recall@k, ranks, and the certainty of figures."""

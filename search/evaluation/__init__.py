"""Evaluation: how well captions find their pictures, and how sure the figures are."""

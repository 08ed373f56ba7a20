"""Evaluation: how well captions find their pictures, how surely, and what to make of it."""

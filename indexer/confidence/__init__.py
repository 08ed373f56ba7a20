"""Confidence: calibrate scores to probabilities, with captions whose picture is known."""

"""Evaluation: recall of pictures by their captions, with intervals of confidence."""

"""The answer: hits, pages, confidence, explanations."""

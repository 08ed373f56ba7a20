"""The answer: questions, pages, hits, confidence, explanations."""

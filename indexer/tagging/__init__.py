"""Tags: heads that predict them from embeddings, and the tags of a library's pictures."""

"""Export: records, embeddings and pictures of a library, for other programs."""

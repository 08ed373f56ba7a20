"""Collections in Milvus: copies of libraries that many machines search."""

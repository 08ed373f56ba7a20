"""Searching a collection in Milvus as a library is searched."""

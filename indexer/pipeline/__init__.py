"""Indexing: scan, compare, decode, encode, store; moving, re-encoding and pruning."""

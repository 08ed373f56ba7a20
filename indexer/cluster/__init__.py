"""Encoding on many machines: Ray Data maps pictures in any storage to the shards of a store."""

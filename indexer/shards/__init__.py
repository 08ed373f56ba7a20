"""Pictures outside a library: records, Parquet shards of them, and stores of shards."""

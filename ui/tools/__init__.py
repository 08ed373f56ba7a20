"""The tool server: language models search, look at and explain pictures of a library."""

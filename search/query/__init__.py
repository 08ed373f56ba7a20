"""The query: terms, pictures, marks and options become one row."""

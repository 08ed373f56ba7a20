"""The question: terms, pictures, marks and options become one row."""

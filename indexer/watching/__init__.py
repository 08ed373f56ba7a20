"""Keep a library fresh while its folders change: what is due when, and what is said once."""

"""Facts that files say of a picture: when, where, who and what; one module for each source."""

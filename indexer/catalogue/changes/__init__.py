"""Changes to the catalogue: a batch in one transaction, and a class for each kind of row."""

"""Training: the loop, its losses and batches, and a package for each model that is trained."""

"""Training: the loop, its losses and batches, and a room for each thing that is trained."""

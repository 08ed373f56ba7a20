"""The parts of `peers.py`: its contestants, the comparisons, and what runs in each environment."""

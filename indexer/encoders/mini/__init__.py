"""The built-in model: two pinned towers, their tails and heads."""

"""Display: pictures in a grid, in large, and with heat maps."""

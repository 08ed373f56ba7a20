"""Find pictures in folders and decode them, upright and in sRGB, in workers that may die."""

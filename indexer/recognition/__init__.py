"""Text in pictures: models that find and read it, in workers of their own."""

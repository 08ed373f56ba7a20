"""Display: what the gallery is told, and pictures that the server itself shows."""

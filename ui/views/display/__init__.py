"""Display: data for the gallery, and pictures that the server itself shows."""

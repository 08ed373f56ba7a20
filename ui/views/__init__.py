"""The browser app: rooms for pages, controls and display, and modules that they share."""

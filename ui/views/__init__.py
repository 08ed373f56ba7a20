"""The browser app: what its pages share, and rooms for pages, controls and display."""

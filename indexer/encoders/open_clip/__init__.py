"""Models of open_clip as encoders, in PyTorch or from exported towers."""

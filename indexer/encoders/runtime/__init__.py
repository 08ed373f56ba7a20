"""Cached ONNX graphs, and the fastest way to run them on this machine."""

"""ONNX graphs in a cache, and how this machine runs them fastest."""

"""Encoders that are a folder of two ONNX graphs, a tokenizer and a description."""

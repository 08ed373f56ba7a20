"""Any model of open_clip, in PyTorch or from exported towers."""

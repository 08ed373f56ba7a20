"""Folders of captioned or labelled pictures, for training and evaluation."""

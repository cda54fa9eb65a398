"""Rules, CAP messages and their sending: an assessment of a product becomes at most one public message."""

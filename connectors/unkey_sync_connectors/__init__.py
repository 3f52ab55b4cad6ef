"""Connectors: bytes in, events out."""

"""Tests. A package in name, because some libraries install a `tests` of their own, which would be found first."""

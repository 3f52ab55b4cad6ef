"""The standing check: whether the promises about keys hold, by our own rows and by what Unkey itself says."""

"""Keeps Unkey in step with auth and billing systems."""

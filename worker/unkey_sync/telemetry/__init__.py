"""Logs and metrics: all names in one place, secrets kept out. Never a reason for the service to stop."""

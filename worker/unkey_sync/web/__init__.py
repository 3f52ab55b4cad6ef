"""The receiver: webhooks in over HTTP, stored durably, then answered.

It never touches the broker or Unkey.
"""

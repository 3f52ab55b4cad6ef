"""The demo: a story of webhooks on the embedded default, told step by step, with what Unkey holds afterwards."""

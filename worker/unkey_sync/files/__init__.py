"""One-off migrations: CSV and JSONL files as if a source had listed them.

`reading` streams rows with their place in the file, `rows` makes an event of a row, `feed` makes pages of both.
"""

"""Hand-over of new keys to their owners: read once, or sent as a signed webhook; rotation and revocation of slots.

Decides nothing about Unkey: it turns slots in the ledger, and the engine makes Unkey follow.
"""

"""Events from message queues: the same bytes as webhooks, through the same inbox.

`loop` is the life of one queue, `reading` makes intakes of messages, `envelopes` and `cloudevents` take wrappings
off; one adapter per kind of queue. Nothing here interprets an event.
"""

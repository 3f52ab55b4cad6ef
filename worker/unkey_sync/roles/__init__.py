"""The processes of a deployment: receiver, worker, scheduler, and all of them in one (dev)."""

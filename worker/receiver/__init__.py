"""The webhook receiver: a process that stores what senders report."""

"""Who is told? Alert life cycle, suppression, routing, wording, outbox and senders."""

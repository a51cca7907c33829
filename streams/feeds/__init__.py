"""Parsers and listeners: bytes become an Event, a Rejected with its reason, or an Ignored; nothing half-valid."""

"""The front door: settings, wiring, logs, command line. The only place that chooses adapters."""

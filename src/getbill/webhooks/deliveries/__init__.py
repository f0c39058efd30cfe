"""Deliveries: the pending queue, its dispatcher, and disabling endpoints that keep failing."""

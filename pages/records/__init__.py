"""Deliveries and rows set aside."""

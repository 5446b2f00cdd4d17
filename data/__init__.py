"""KNOW: what is on record, and who may read it."""

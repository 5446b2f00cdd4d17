"""DRAW: one function per page; no sums, no SQL. Page files live one folder down (see docs/security.md)."""

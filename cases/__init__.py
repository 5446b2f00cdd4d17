"""ACT: what is due and what was decided."""

"""How a score is made."""

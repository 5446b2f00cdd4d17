"""SAY: what the law says, and since when. One dated rule file per subject; see ``rules/book.py``."""

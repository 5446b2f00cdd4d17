"""SAY: the words on screen and in letters, Chinese first, English second; see ``i18n/words.py``."""

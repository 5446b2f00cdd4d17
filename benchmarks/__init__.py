"""Speed, memory and real records, as programs that print a table. Times are this machine's: compare ratios within one run."""

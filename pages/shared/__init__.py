"""What every page draws with: the registry of pages, charts, tables, formats."""

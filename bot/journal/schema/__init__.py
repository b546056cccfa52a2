"""What the journal's tables are made of."""

"""Takes the due upgrades, runs one step of each and journals the outcome."""

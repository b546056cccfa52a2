"""The change record of an upgrade, for an auditor who was not there: read from the journal, written as a file."""

"""What stands in the audit, sent to other programs as it comes."""

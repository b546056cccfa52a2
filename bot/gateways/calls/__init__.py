"""What every outside call shares: a time limit, retries, faults by their cause, credentials."""

"""The release server: archives, signatures and faults of a download."""

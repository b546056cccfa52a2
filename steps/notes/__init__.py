"""What an upgrade knows between its steps."""

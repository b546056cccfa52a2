"""What people do on the page: commands, clicks, forms."""

"""Release archives: fetched in slices, verified, cached and unpacked."""

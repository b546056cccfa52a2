"""The program: its command line, its wiring, its loops and what tells whether it is well."""

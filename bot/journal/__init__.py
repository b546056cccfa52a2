"""The SQLite file: its store, its schema, its rows and the outbox."""

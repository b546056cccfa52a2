"""The application: it turns what people order into steps that run, and what came of them into messages."""

"""The application: journal, runner, use cases, gateways and the Slack side."""

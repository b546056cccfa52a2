"""The outbox and the Home tabs on their way to Slack."""

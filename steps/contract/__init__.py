"""What a step is given and what it may answer: outcomes, cards, ports, release, ledger."""

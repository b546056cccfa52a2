"""What must be right before an upgrade: one module for each thing that is looked at, the doctor over all."""

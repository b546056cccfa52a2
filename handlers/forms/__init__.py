"""The forms (modals): opened, filled, checked at their fields and committed."""

"""Appointments, holds and the calendar, in the journal's file."""

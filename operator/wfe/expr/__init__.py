"""Conditions, placeholders, durations and types: small, pure languages of the workflow file."""

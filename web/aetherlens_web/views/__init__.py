"""A blueprint per page."""

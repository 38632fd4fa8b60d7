"""The way of a sample from a plugin or API client to the database."""

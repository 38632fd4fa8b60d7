"""What is known right now, and who wants to hear of it."""

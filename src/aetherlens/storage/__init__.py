"""Everything that is kept, and the only part that speaks SQL."""

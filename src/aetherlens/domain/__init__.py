"""Pure functions and frozen records. No I/O, no clock."""

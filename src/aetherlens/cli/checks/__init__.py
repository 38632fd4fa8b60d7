"""What `aetherlens doctor` looks at, one file per subject."""

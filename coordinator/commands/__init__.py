"""What a command does to records, and how far it has come."""

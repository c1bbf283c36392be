"""How things stand, and how they are shown."""

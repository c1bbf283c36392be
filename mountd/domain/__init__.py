"""What mountd decides, without doing it: no clock, no files, no processes."""

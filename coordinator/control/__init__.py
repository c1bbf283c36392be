"""The loop that turns records and reports into documents."""

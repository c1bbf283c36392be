"""Which node has which slot, and the documents that follow."""

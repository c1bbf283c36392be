"""Everything that the coordinator knows of the cluster."""

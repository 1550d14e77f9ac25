"""What a run was, once it is over."""

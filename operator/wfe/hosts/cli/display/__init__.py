"""What people see of a run: a live tree, plain lines, or one JSON document."""

"""Other engines, run beside ours on the same machine and disk."""

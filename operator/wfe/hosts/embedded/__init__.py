"""The engine as an object in your own process."""

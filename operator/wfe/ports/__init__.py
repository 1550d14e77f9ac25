"""What the engine's runtime needs from the world: protocols with their promises in words."""

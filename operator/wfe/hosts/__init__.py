"""What runs the engine: the command line, a library object, the Kubernetes operator."""

"""The operator: instances of workflows as objects of Kubernetes, driven by the runtime that a laptop has."""

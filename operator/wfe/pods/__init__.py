"""What a tree of workflows needs of pods, and the manifests that give it. Pure: nothing here talks to a cluster."""

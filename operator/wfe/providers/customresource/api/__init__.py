"""The objects of the API as models, and the CustomResourceDefinitions that they mean. Pure."""

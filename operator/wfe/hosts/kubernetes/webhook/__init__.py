"""The admission webhook: says at `kubectl apply` what the operator would say later. A process of its own."""

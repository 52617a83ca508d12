"""The manifests for Kubernetes. `make manifests` runs these tests, because they need kubectl."""

"""A server that runs open pipelines of diffusers on this machine's GPU, or on its CPU (`reelworks model-server`).

docs/model-server.md describes its wire and its configuration. It is a server of its own: it knows no database, queue or
provider of Reelworks. Only its process imports torch.
"""

"""A stand-in for the vendors: it speaks their wires exactly, makes real media, and misbehaves on request.

A server of its own that knows nothing of Reelworks. Everything it sends says that it is a sandbox: a response
header, a mark in every picture, and a comment in every file.
"""

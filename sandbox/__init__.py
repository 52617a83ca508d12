"""A simulator of the vendors: it speaks their wires, makes real media, and misbehaves on request.

The sandbox is a separate server and imports nothing of Reelworks. All of its output is marked as the sandbox's: a
response header, a mark in every picture, and a comment in every file.
"""

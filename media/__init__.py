"""Reads media files: whether they are whole, their properties, and a still picture of them.

`media.decoder` is for workers and gateways: it reads a file in a process apart. `media.reader` reads in this process.
"""

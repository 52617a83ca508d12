"""Reads media files: whether they are whole, their properties, and a still picture of them.

Each function reads one open file and returns values. None of them needs a service or a setting.
"""

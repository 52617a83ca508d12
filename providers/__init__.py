"""The vendors: the seam, the catalogue of what they can make, and one module for each."""

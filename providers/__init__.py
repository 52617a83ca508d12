"""The vendors: the seam, our accounts with them, the catalogue of their models, and a package for each vendor."""

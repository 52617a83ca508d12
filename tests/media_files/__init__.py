"""Makes small media files, right ones and odd ones, as vendors, cameras and browsers write them."""

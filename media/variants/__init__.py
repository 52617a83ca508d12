"""Makes variants of a result: playable, smaller or shorter copies, previews, sprite sheets and HLS. Runs in the child."""

"""Makes variants of a result: playable, smaller and shorter copies, previews, sprite sheets, HLS. Runs in the child."""

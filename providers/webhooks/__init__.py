"""How vendors sign their callbacks, where several do it alike."""

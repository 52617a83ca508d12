"""The seeds' dialects. A seed is one of the five earlier projects whose HTTP forms Reelworks still serves."""

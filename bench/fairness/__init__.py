"""Many customers before one provider account: their orders, their waits, and the fair queue to compare them with."""

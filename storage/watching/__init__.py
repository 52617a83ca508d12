"""What operators watch: lists of generations that need a look, and a search over all generations."""

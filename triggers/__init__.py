"""Does it matter? Rules as data, windows over a person's history, evaluation and its explanation."""

"""Who is this about? Normalise, block, compare, score, match; the watched people and their index."""

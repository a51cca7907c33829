"""How events move: feeds, topology, the step, the engines. Engines carry; they never decide."""

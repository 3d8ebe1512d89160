"""Flambeau's reference device: every primitive in NumPy, in double precision inside."""

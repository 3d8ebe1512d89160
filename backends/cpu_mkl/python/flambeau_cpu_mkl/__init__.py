"""The CPU backend of Flambeau: a library and a manifest; importing this does
nothing."""

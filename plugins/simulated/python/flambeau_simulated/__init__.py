"""An accelerator in software, for Flambeau: a library and a manifest; importing this
does nothing."""

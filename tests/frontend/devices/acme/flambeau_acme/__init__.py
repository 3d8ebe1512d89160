"""A device for tests."""

"""Helpers around models: data loading, checkpointing, hooks, DLPack."""

"""Flambeau's plugin manager: finds, chooses and opens the backends of devices.

It knows neither tensors nor ops, and imports nothing of the frontend. Importing it
imports none of its modules: `import flambeau` pays for what it uses.
"""

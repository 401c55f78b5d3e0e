"""Frames of an instrument to averages, captures and sweeps."""

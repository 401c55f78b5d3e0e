"""Bitstreams into boards."""

"""The panels around the plots: controls, results, status."""

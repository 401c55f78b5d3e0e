"""Named devices and detectors: those of the paper, and the user's own."""

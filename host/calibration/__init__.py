"""What the codes of a board's converters mean, and how far its clocks are off."""

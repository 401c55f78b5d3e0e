"""Everything that stands in for the physical world: device, detector, emulated board."""

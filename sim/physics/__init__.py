"""What is measured, and what looks at it: device, detector, and the light and volts between them."""

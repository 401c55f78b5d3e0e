"""The worker of the window: the one thread that touches link, instrument and average."""

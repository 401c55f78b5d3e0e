"""Files of other instruments and programs: what they hold, and recordings made of it."""

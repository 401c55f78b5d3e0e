"""Files of other instruments."""

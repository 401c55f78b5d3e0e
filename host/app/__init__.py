"""The window: what a user sees and turns. Everything it knows comes from `session.Session`."""

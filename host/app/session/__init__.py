"""The session behind the window: one worker thread drives link, instrument and average, and publishes snapshots."""

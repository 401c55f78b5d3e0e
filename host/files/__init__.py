"""Everything that is kept on disk: recordings, journals, tables."""

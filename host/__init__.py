"""What people touch: links, averaging, measuring, storing, the app and the command line."""

"""A board's first evening: what a program can find out about board and front end."""
